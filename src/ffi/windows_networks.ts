/**
 * What Windows takes the networks of its adapters for (`NetworkListManager`): that decides which of
 * the firewall's profiles counts.
 *
 * @module
 */

import type { ComInterface } from "./windows_com.ts";

/** The list of networks (netlistmgr.h). */
export const CLSID_NetworkListManager = "{DCB00C01-570F-4A9B-8D69-199FDBA5723B}";
export const IID_INetworkListManager = "{DCB00000-570F-4A9B-8D69-199FDBA5723B}";

const PAGE = "https://learn.microsoft.com/windows/win32/api/netlistmgr/nf-netlistmgr";

/** `NLM_NETWORK_CATEGORY` of netlistmgr.h, by its names there. */
export const NetworkCategory = {
  NLM_NETWORK_CATEGORY_PUBLIC: 0,
  NLM_NETWORK_CATEGORY_PRIVATE: 1,
  NLM_NETWORK_CATEGORY_DOMAIN_AUTHENTICATED: 2,
} as const;

/** All networks. */
export const INetworkListManager = {
  name: "INetworkListManager",
  header: "netlistmgr.h",
  page: `${PAGE}-inetworklistmanager`,
  methods: { GetNetworkConnections: { slot: 9, parameters: ["IEnumNetworkConnections **"] } },
} as const satisfies ComInterface;

/** The connections, one after the other. */
export const IEnumNetworkConnections = {
  name: "IEnumNetworkConnections",
  header: "netlistmgr.h",
  page: `${PAGE}-ienumnetworkconnections`,
  methods: { Next: { slot: 8, parameters: ["ULONG", "INetworkConnection **", "ULONG *"] } },
} as const satisfies ComInterface;

/** An adapter's connection with a network. */
export const INetworkConnection = {
  name: "INetworkConnection",
  header: "netlistmgr.h",
  page: `${PAGE}-inetworkconnection`,
  methods: {
    GetNetwork: { slot: 7, parameters: ["INetwork **"] },
    GetAdapterId: { slot: 12, parameters: ["GUID *"] },
  },
} as const satisfies ComInterface;

/** A network. */
export const INetwork = {
  name: "INetwork",
  header: "netlistmgr.h",
  page: `${PAGE}-inetwork`,
  methods: { GetCategory: { slot: 18, parameters: ["NLM_NETWORK_CATEGORY *"] } },
} as const satisfies ComInterface;
