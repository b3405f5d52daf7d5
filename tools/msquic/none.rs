//! Empty: cargo asks for a target.
