/**
 * What Windows takes the networks of its adapters for (`NetworkListManager`): that decides which of
 * the firewall's profiles counts.
 *
 * @module
 */

import { ComConstant } from "../../ffi/windows_com.ts";
import { guidText } from "../../ffi/windows_guid.ts";
import {
  CLSID_NetworkListManager,
  IEnumNetworkConnections,
  IID_INetworkListManager,
  INetwork,
  INetworkConnection,
  INetworkListManager,
  NetworkCategory,
} from "../../ffi/windows_networks.ts";
import { ComObject, withCom } from "../com/mod.ts";
import type { NetworkKind } from "./firewall.ts";

const KINDS: ReadonlyMap<number, NetworkKind> = new Map([
  [NetworkCategory.NLM_NETWORK_CATEGORY_PUBLIC, "public"],
  [NetworkCategory.NLM_NETWORK_CATEGORY_PRIVATE, "private"],
  [NetworkCategory.NLM_NETWORK_CATEGORY_DOMAIN_AUTHENTICATED, "domain"],
]);

/** Connections that are looked at. */
const CONNECTIONS_MAX = 256;

/**
 * What an adapter's network counts as; undefined: Windows does not know it as a network (yet), and
 * the firewall takes it for a public one.
 *
 * @param guid the adapter's
 * @throws {WindowsError} with an HRESULT: the service does not run
 */
export function networkKind(guid: string): NetworkKind | undefined {
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
      return KINDS.get(category[0]) ?? "public";
    }
    return undefined;
  });
}
