/**
 * The name of the protocol in the TLS handshake.
 *
 * @module
 */

//= PROTOCOL.md 3
//# | ALPN | `lanparty/1`, bytes `6c 61 6e 70 61 72 74 79 2f 31`
/** The protocol's name in the TLS handshake (ALPN, RFC 7301). */
export const ALPN = "lanparty/1";
