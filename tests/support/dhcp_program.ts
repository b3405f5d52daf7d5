/**
 * Runs a {@linkcode DhcpRunner} in a namespace: arguments `INTERFACE CLIENT FOLDER SCRIPT`, the last of
 * `own`, `system` (dhclient's, as AppArmor wants it) and `everything`.
 * Prints events; reads `renew` and `stop` from standard input.
 *
 * @module
 */

import { interfaceIndex } from "../../src/link/interface.ts";
import { addInterfaceAddress, removeInterfaceAddress } from "../../src/link/netlink.ts";
import { findDhcpClient } from "../../src/system/dhcp/clients.ts";
import type { DhcpClientKind } from "../../src/system/dhcp/plan.ts";
import { DhcpRunner } from "../../src/system/dhcp/runner.ts";
import { undoDhcpFile, undoDhcpProcess } from "../../src/system/dhcp/undo.ts";
import { RESOLVER_CHANGE, undoResolver } from "../../src/system/names/resolver_guard.ts";
import { ChangeJournal } from "../../src/system/journal/journal.ts";

const [name, kind, folder, script] = Deno.args;
const client = findDhcpClient(undefined, [kind as DhcpClientKind]);
if (client === undefined) throw new Error(`no ${kind} here`);
const index = interfaceIndex(name);
const leftovers = { folder, interface: name, isInterface: () => true };
const journal = ChangeJournal.open(`${folder}.journal`, {
  file: undoDhcpFile(leftovers),
  process: undoDhcpProcess(leftovers),
  [RESOLVER_CHANGE]: undoResolver(),
});
const runner = new DhcpRunner({
  interface: name,
  addresses: {
    addAddress: (address) => addInterfaceAddress(index, address),
    removeAddress: (address) => removeInterfaceAddress(index, address),
  },
  folder,
  find: () => client,
  journal,
  systemScript: script === "system",
  everything: script === "everything",
  onEvent(event) {
    if (event.type === "lease") console.log("lease", event.address, event.server);
    else console.log(event.type, JSON.stringify(event));
  },
});
runner.start();
let text = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  if (text.includes("renew\n")) {
    text = text.replace("renew\n", "");
    runner.renew();
  }
  if (text.includes("stop\n")) break;
}
await runner.stop();
console.log("stopped", journal.changes.length);
Deno.exit(0);
