/**
 * Where Linux distributions keep the system's trust store as one PEM file.
 *
 * @module
 */

/** Well-known places, to be probed in this order; `SSL_CERT_FILE` has precedence, as with OpenSSL. */
export const SYSTEM_CA_FILES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, newer Fedora
  "/etc/ssl/cert.pem", // Alpine, the BSDs
  "/etc/pki/tls/cacert.pem", // OpenELEC
];
