/**
 * Whether the system trusts a server's certificate: Windows' verdict. (On Linux OpenSSL gives it.)
 *
 * @module
 */
export { verifyByWindows } from "./windows.ts";
