/** Whether the system trusts a server's certificate: Windows' verdict. (On Linux OpenSSL gives it.) */
export { verifyByWindows } from "./windows.ts";
