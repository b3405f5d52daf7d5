//   lab (this thread)
//   +---------------------------+
//   | wire ==== veth ==== other |      ethtool is the second opinion
//   +---------------------------+

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LinkError } from "../../../src/link/device.ts";
import { readFeatures, setFeatures } from "../../../src/link/ethtool.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { type Namespace, NetworkLab } from "../../../tools/lab/netns.ts";

/** What ethtool prints, by the kernel's names where it has a short word of its own. */
async function featuresByEthtool(place: Namespace): Promise<Map<string, [boolean, boolean]>> {
  const words: Record<string, string> = {
    "generic-receive-offload": "rx-gro",
    "large-receive-offload": "rx-lro",
    "rx-vlan-offload": "rx-vlan-hw-parse",
    "tx-vlan-offload": "tx-vlan-hw-insert",
    "scatter-gather": "",
    "tcp-segmentation-offload": "",
    "generic-segmentation-offload": "tx-generic-segmentation",
    "ntuple-filters": "rx-ntuple-filter",
    "receive-hashing": "rx-hashing",
    "rx-checksumming": "rx-checksum",
    "tx-checksumming": "",
  };
  const { stdout } = await place.run(["ethtool", "-k", "wire"]);
  const found = new Map<string, [boolean, boolean]>();
  for (const line of stdout.split("\n").slice(1)) {
    const match = /^\t?([a-z0-9-]+): (on|off)( \[fixed\])?/.exec(line);
    if (match === null) continue;
    const name = words[match[1]] ?? match[1];
    if (name !== "") found.set(name, [match[2] === "on", match[3] === undefined]);
  }
  return found;
}

Deno.test("features are read and set as ethtool does", async () => {
  await using lab = await NetworkLab.open();
  const place = await lab.namespace("lab");
  await lab.veth({ namespace: place, name: "wire" }, { namespace: place, name: "other" });
  const read = () => inNamespace(place, () => readFeatures("wire"));
  for (const gro of [true, false, true]) {
    inNamespace(place, () => setFeatures("wire", { "rx-gro": gro, "no-such-feature": true }));
    const ours = read();
    const theirs = await featuresByEthtool(place);
    assertEquals(ours.get("rx-gro"), { on: gro, changeable: true });
    assert(theirs.size > 30, `${theirs.size} features`);
    for (const [name, [on, changeable]] of theirs) {
      assertEquals(ours.get(name), { on, changeable }, name);
    }
  }
  assertEquals(read().get("rx-lro")?.changeable, false);
  inNamespace(place, () => setFeatures("wire", { "rx-lro": true }));
  assertEquals(read().get("rx-lro")?.on, false, "what a driver does not allow stays");
});

Deno.test("an interface that is not there has no features", () => {
  for (const use of [readFeatures, (name: string) => setFeatures(name, { "rx-gro": true })]) {
    const error = assertThrows(() => use("no-such-if0"), LinkError);
    assertEquals(error.code, "no-such-interface");
  }
});
