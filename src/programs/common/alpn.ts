/** The protocol's name in the TLS handshake (ALPN, RFC 7301). */
export const ALPN = "lanparty/1";
