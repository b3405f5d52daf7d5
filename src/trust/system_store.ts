/**
 * Where Linux distributions keep the system's trust store as one PEM file.
 *
 * @module
 */

/** Well-known places, the most common first. */
export const SYSTEM_CA_FILES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // openSUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, newer Fedora
  "/etc/ssl/cert.pem", // Alpine, the BSDs
  "/etc/pki/tls/cacert.pem", // OpenELEC
];

/**
 * The files to try in turn; the caller probes them.
 *
 * @param sslCertFile the value of `SSL_CERT_FILE`, which comes first, as with OpenSSL
 */
export function systemCaFileCandidates(sslCertFile?: string): readonly string[] {
  return sslCertFile ? [sslCertFile, ...SYSTEM_CA_FILES] : SYSTEM_CA_FILES;
}
