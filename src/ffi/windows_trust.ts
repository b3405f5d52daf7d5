/**
 * Building and checking a server's certificate chain on Windows (crypt32).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

const WINCRYPT = "https://learn.microsoft.com/windows/win32/api/wincrypt/ns-wincrypt";

/** What a chain must be good for. */
export const CERT_CHAIN_PARA = {
  name: "CERT_CHAIN_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_para`,
  sizeBytes: 32,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwType: { offset: 8, type: "u32", member: "RequestedUsage.dwType" },
    usageCount: {
      offset: 16,
      type: "u32",
      member: "RequestedUsage.Usage.cUsageIdentifier",
    },
    usages: {
      offset: 24,
      type: "pointer",
      member: "RequestedUsage.Usage.rgpszUsageIdentifier",
    },
  },
} as const satisfies StructLayout;

/** A chain that was built. */
export const CERT_CHAIN_CONTEXT = {
  name: "CERT_CHAIN_CONTEXT",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_context`,
  sizeBytes: 72,
  fields: {
    dwErrorStatus: { offset: 4, type: "u32", member: "TrustStatus.dwErrorStatus" },
  },
} as const satisfies StructLayout;

/** How a chain is checked. */
export const CERT_CHAIN_POLICY_PARA = {
  name: "CERT_CHAIN_POLICY_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_policy_para`,
  sizeBytes: 16,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    pvExtraPolicyPara: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** What came of it. */
export const CERT_CHAIN_POLICY_STATUS = {
  name: "CERT_CHAIN_POLICY_STATUS",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_policy_status`,
  sizeBytes: 24,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwError: { offset: 4, type: "u32" },
  },
} as const satisfies StructLayout;

/** The server that a chain is checked for. */
export const SSL_EXTRA_CERT_CHAIN_POLICY_PARA = {
  name: "SSL_EXTRA_CERT_CHAIN_POLICY_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-httpspolicycallbackdata`,
  sizeBytes: 24,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwAuthType: { offset: 4, type: "u32" },
    fdwChecks: { offset: 8, type: "u32" },
    pwszServerName: { offset: 16, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Constants of wincrypt.h and winerror.h, by their names there. */
export const TrustConstant = {
  CERT_STORE_PROV_MEMORY: 2,
  X509_ASN_ENCODING: 1,
  CERT_STORE_ADD_ALWAYS: 4,
  USAGE_MATCH_TYPE_AND: 0,
  CERT_CHAIN_POLICY_SSL: 4,
  AUTHTYPE_SERVER: 2,
  CERT_TRUST_NO_ERROR: 0,
  CERT_TRUST_IS_NOT_TIME_VALID: 1,
  CERT_TRUST_IS_PARTIAL_CHAIN: 0x10000,
  CERT_CHAIN_CACHE_ONLY_URL_RETRIEVAL: 4,
  CERT_CHAIN_DISABLE_AUTH_ROOT_AUTO_UPDATE: 0x100,
  CERT_E_EXPIRED: 0x800b0101,
  CERT_E_CHAINING: 0x800b010a,
} as const;

/** `szOID_PKIX_KP_SERVER_AUTH`: a certificate for TLS servers. */
export const SZOID_PKIX_KP_SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

const GET_CHAIN = {
  parameters: [
    "pointer", /* hChainEngine */
    "pointer", /* pCertContext */
    "pointer", /* pTime */
    "pointer", /* hAdditionalStore */
    "buffer", /* pChainPara */
    "u32", /* dwFlags */
    "pointer", /* pvReserved */
    "buffer", /* ppChainContext, out */
  ],
  result: "i32",
} as const;

const SYMBOLS = {
  CertOpenStore: {
    parameters: [
      "usize", /* lpszStoreProvider: a number */
      "u32", /* dwEncodingType */
      "usize", /* hCryptProv */
      "u32", /* dwFlags */
      "pointer", /* pvPara */
    ],
    result: "pointer",
  },
  CertAddEncodedCertificateToStore: {
    parameters: [
      "pointer", /* hCertStore */
      "u32", /* dwCertEncodingType */
      "buffer", /* pbCertEncoded */
      "u32", /* cbCertEncoded */
      "u32", /* dwAddDisposition */
      "pointer", /* ppCertContext */
    ],
    result: "i32",
  },
  CertCreateCertificateContext: {
    parameters: [
      "u32", /* dwCertEncodingType */
      "buffer", /* pbCertEncoded */
      "u32", /* cbCertEncoded */
    ],
    result: "pointer",
  },
  CertGetCertificateChain: GET_CHAIN,
  CertVerifyCertificateChainPolicy: {
    parameters: [
      "usize", /* pszPolicyOID: a number */
      "pointer", /* pChainContext */
      "buffer", /* pPolicyPara */
      "buffer", /* pPolicyStatus, out */
    ],
    result: "i32",
  },
  CertFreeCertificateChain: { parameters: ["pointer" /* pChainContext */], result: "void" },
  CertFreeCertificateContext: { parameters: ["pointer" /* pCertContext */], result: "i32" },
  CertCloseStore: {
    parameters: ["pointer", /* hCertStore */ "u32" /* dwFlags */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_TRUST_SYMBOLS = { "crypt32.dll": SYMBOLS } as const;

/** The function that looks in the net, on another thread. */
export const WINDOWS_TRUST_FETCH_SYMBOLS = {
  CertGetCertificateChain: { ...GET_CHAIN, nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;
