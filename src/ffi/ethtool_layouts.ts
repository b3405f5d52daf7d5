/**
 * Layouts and constants of ethtool's ioctl, as far as the features of an interface need them.
 * `tests/ffi/ethtool_layout_test.ts` compares each with what a C compiler says.
 *
 * Source: linux/ethtool.h and https://docs.kernel.org/networking/netdev-features.html
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

const PAGE = "https://docs.kernel.org/networking/netdev-features.html";
const HEADER = "linux/ethtool.h";

/** `SIOCETHTOOL` (linux/sockios.h): the request points at one of the structs below. */
export const SIOCETHTOOL = 0x8946n;

/** What is asked for: the first member of each struct. */
export const EthtoolCommand = {
  getDriverInfo: 0x03,
  getStrings: 0x1b,
  getStringSetInfo: 0x37,
  getFeatures: 0x3a,
  setFeatures: 0x3b,
} as const;

/** The string set of the features' names, and the bytes of each string. */
export const ETH_SS_FEATURES = 4;
export const ETH_GSTRING_LEN = 32;

/** Who drives an interface: among other things the driver's name, zero-terminated. */
export const ETHTOOL_DRVINFO = {
  name: "struct ethtool_drvinfo",
  header: HEADER,
  page: PAGE,
  sizeBytes: 196,
  fields: {
    cmd: { offset: 0, type: "u32" },
    driver: { offset: 4, type: "bytes", sizeBytes: 32 },
  },
} as const satisfies StructLayout;

/** How many strings the sets have that a mask names; the counts follow, 32 bits each. */
export const ETHTOOL_SSET_INFO = {
  name: "struct ethtool_sset_info",
  header: HEADER,
  page: PAGE,
  sizeBytes: 16,
  fields: {
    cmd: { offset: 0, type: "u32" },
    sset_mask: { offset: 8, type: "u64" },
  },
} as const satisfies StructLayout;

/** The strings of a set; they follow. */
export const ETHTOOL_GSTRINGS = {
  name: "struct ethtool_gstrings",
  header: HEADER,
  page: PAGE,
  sizeBytes: 12,
  fields: {
    cmd: { offset: 0, type: "u32" },
    string_set: { offset: 4, type: "u32" },
    len: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/** The head of a question for features; blocks follow. */
export const ETHTOOL_GFEATURES = {
  name: "struct ethtool_gfeatures",
  header: HEADER,
  page: PAGE,
  sizeBytes: 8,
  fields: { cmd: { offset: 0, type: "u32" }, size: { offset: 4, type: "u32" } },
} as const satisfies StructLayout;

/** The state of 32 features, a bit each. */
export const ETHTOOL_GET_FEATURES_BLOCK = {
  name: "struct ethtool_get_features_block",
  header: HEADER,
  page: PAGE,
  sizeBytes: 16,
  fields: {
    available: { offset: 0, type: "u32" },
    requested: { offset: 4, type: "u32" },
    active: { offset: 8, type: "u32" },
    never_changed: { offset: 12, type: "u32" },
  },
} as const satisfies StructLayout;

/** The head of an order for features; blocks follow. */
export const ETHTOOL_SFEATURES = {
  name: "struct ethtool_sfeatures",
  header: HEADER,
  page: PAGE,
  sizeBytes: 8,
  fields: { cmd: { offset: 0, type: "u32" }, size: { offset: 4, type: "u32" } },
} as const satisfies StructLayout;

/** Which of 32 features are to be set, and how. */
export const ETHTOOL_SET_FEATURES_BLOCK = {
  name: "struct ethtool_set_features_block",
  header: HEADER,
  page: PAGE,
  sizeBytes: 8,
  fields: { valid: { offset: 0, type: "u32" }, requested: { offset: 4, type: "u32" } },
} as const satisfies StructLayout;

/** Every layout of this file. */
export const ETHTOOL_LAYOUTS: readonly StructLayout[] = [
  ETHTOOL_DRVINFO,
  ETHTOOL_SSET_INFO,
  ETHTOOL_GSTRINGS,
  ETHTOOL_GFEATURES,
  ETHTOOL_GET_FEATURES_BLOCK,
  ETHTOOL_SFEATURES,
  ETHTOOL_SET_FEATURES_BLOCK,
];
