/**
 * What Windows takes the networks of its adapters for (`NetworkListManager`): that decides which of
 * the firewall's profiles counts.
 *
 * @module
 */

import { ComConstant, type ComInterface, ComObject, withCom } from "./windows_com.ts";
import { guidText } from "./windows_guid.ts";

const CLSID_NetworkListManager = "{DCB00C01-570F-4A9B-8D69-199FDBA5723B}";
const IID_INetworkListManager = "{DCB00000-570F-4A9B-8D69-199FDBA5723B}";

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

/** Connections that are looked at. */
const CONNECTIONS_MAX = 256;

/**
 * What an adapter's network counts as; undefined: Windows does not know it as a network (yet), and
 * the firewall takes it for a public one.
 *
 * @param guid the adapter's
 * @returns one of `NetworkCategory`
 * @throws {WindowsError} with an HRESULT: the service does not run
 */
export function networkCategory(guid: string): number | undefined {
  return withCom(() => {
    using manager = ComObject.create(
      CLSID_NetworkListManager,
      IID_INetworkListManager,
      INetworkListManager,
    );
    using connections = manager.get("GetNetworkConnections", IEnumNetworkConnections);
    const out = new BigUint64Array(1);
    const fetched = new Uint32Array(1);
    const id = new Uint8Array(16);
    for (let i = 0; i < CONNECTIONS_MAX; i++) {
      const result = connections.call("Next", 1, out, fetched);
      if (result !== ComConstant.S_OK || fetched[0] === 0) break;
      using connection = ComObject.at(out[0], INetworkConnection);
      connection.call("GetAdapterId", id);
      if (guidText(id) !== guid.toUpperCase()) continue;
      using network = connection.get("GetNetwork", INetwork);
      const category = new Int32Array(1);
      network.call("GetCategory", category);
      return category[0];
    }
    return undefined;
  });
}
