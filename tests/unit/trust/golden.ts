/** A certificate made with OpenSSL 3.0, and what OpenSSL says about it. */

/** `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 …` */
export const GOLDEN_PEM = `-----BEGIN CERTIFICATE-----
MIIBvzCCAWWgAwIBAgIUWlwHmhePgNrhjrqRUzDK5PcuV0EwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGZ29sZGVuMCAXDTI2MTEyMDE5MjYwOVoYDzIxMjYxMDI3MTky
NjA5WjARMQ8wDQYDVQQDDAZnb2xkZW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQz7E5EdE1xpQAUQoBCDpjJIyCEERwsys4sCkwrLRWf+B9fmZzWfv2Z7qeLHZqS
CFS8JaHt8H6ZYNOnqnt3dv/oo4GYMIGVMB0GA1UdDgQWBBTMXizl6foWWzJZ3gil
XHsoplHq6TAfBgNVHSMEGDAWgBTMXizl6foWWzJZ3gilXHsoplHq6TBFBgNVHREE
PjA8ghFyZWxheS5leGFtcGxlLm5ldIIPKi5wYXJ0eS5leGFtcGxlhwTAAAIHhxAg
AQ24AAAAAAAAAAAAAAAHMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIh
AInFnIZ16YIiFyojnl+fXI/0GD4Yvs5ZSCD8ygUKudv2AiAFsCcPTh9610+8/VeU
L1T4PoPA+T89uu6pCjm4aSVRtg==
-----END CERTIFICATE-----
`;

/** `openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256`, base64url. */
export const GOLDEN_FINGERPRINT = "8PoDu3YDmM06oRgVYBjWfmUcimNvd9heepfZgiA5f1k";

/** Its names. */
export const GOLDEN_NAMES = ["relay.example.net", "*.party.example", "192.0.2.7", "2001:db8::7"];

/** `openssl x509 -dates`. */
export const GOLDEN_NOT_BEFORE_MS = Date.UTC(2026, 10, 20, 19, 26, 9);
export const GOLDEN_NOT_AFTER_MS = Date.UTC(2126, 9, 27, 19, 26, 9);
