import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import {
  DROP_DESCRIPTIONS,
  DROP_REASONS,
  DropCode,
  dropReason,
  malformedDrop,
  PASS,
  reassemblyDrop,
} from "../../../src/observe/drops.ts";
import { MalformedReason } from "../../../src/proto/datagram.ts";
import { ReassemblyDrop } from "../../../src/proto/reassembly.ts";

/** `dhcpServer` → `dhcp-server` */
function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

Deno.test("each code is the index of the reason of the same name", () => {
  assertEquals(Object.values(DropCode), DROP_REASONS.map((_, code) => code));
  assertEquals(Object.keys(DropCode).map(kebab), [...DROP_REASONS]);
  assertEquals(dropReason(DropCode.queueLate), "queue-late");
});

/** The reasons in the order in which they were given their codes. */
const NUMBERED = `
  malformed-short malformed-version malformed-flags malformed-short-frame malformed-first-piece
  malformed-piece-offset malformed-empty-piece malformed-other reassembly-over-long
  reassembly-header-differs reassembly-second-end reassembly-beyond-end reassembly-overlap
  reassembly-dropped reassembly-expired reassembly-gave-way before-welcome foreign-source
  multicast-source zero-source loop own-destination unknown-destination no-gateway no-target
  over-long switch-control dhcp-server dhcpv6-server router-advertisement icmp-redirect
  too-many-tags hidden-headers queue-late queue-overflow no-buffer target-too-narrow budget
  target-left send-failed sender-ending not-joined own-traffic short-frame not-for-tunnel
  lan-loop jumbo bad-offload unsupported-offload capture-truncated capture-overflow
  lan-send-failed own-echo not-for-us dhcp-malformed dhcp-fragment tap-full tap-failed tap-down
  broadcast-limit unknown-unicast-limit bandwidth-limit lan-broadcast-limit loop-stopped probe
  dhcp-off room-limit address-limit dhcp-network vlan-tag vlan-registration router-protocol
  multicast-query proxy-name neighbour-forged address-taken too-many-addresses other-address
  elsewhere-source queue-codel
`.trim().split(/\s+/);

Deno.test("a reason keeps its code: one that is new comes behind the others", () => {
  assertEquals(DROP_REASONS.slice(0, NUMBERED.length), NUMBERED);
  assertEquals([DropCode.malformedShort, DropCode.queueLate, DropCode.probe], [0, 33, 64]);
});

Deno.test("what passes has no drop code", () => {
  assertEquals(Object.values<number>(DropCode).includes(PASS), false);
  assertEquals(DROP_REASONS[PASS], undefined);
});

Deno.test("reasons are distinct and fit the drops of a stats message", () => {
  assertEquals(new Set(DROP_REASONS).size, DROP_REASONS.length);
  assert(DROP_REASONS.length <= 128, "a stats message keeps 128 reasons");
  for (const reason of DROP_REASONS) assertMatch(reason, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});

Deno.test("each reason is explained by itself in one line", () => {
  const explanations = DROP_DESCRIPTIONS.map(({ explanation }) => explanation);
  assertEquals(new Set(explanations).size, explanations.length);
  for (const { reason, explanation } of DROP_DESCRIPTIONS) {
    assertMatch(explanation, /^[a-z0-9]/i, reason);
    assertNotMatch(explanation, /[.\n]$/, reason);
    assert(explanation.length > 15 && explanation.length < 120, reason);
  }
});

Deno.test("all that the protocol calls malformed has a reason that says so", () => {
  for (const [name, reason] of Object.entries(MalformedReason)) {
    assertMatch(DROP_REASONS[malformedDrop(reason)] ?? "none", /^malformed-/, name);
  }
  assertEquals(malformedDrop(MalformedReason.version), DropCode.malformedVersion);
});

Deno.test("all that ends a reassembly has a reason of its own", () => {
  const codes = Object.values(ReassemblyDrop).map(reassemblyDrop);
  assertEquals(new Set(codes).size, codes.length);
  for (const [name, reason] of Object.entries(ReassemblyDrop)) {
    assertMatch(DROP_REASONS[reassemblyDrop(reason)] ?? "none", /^reassembly-/, name);
  }
  assertEquals(reassemblyDrop(ReassemblyDrop.overlap), DropCode.reassemblyOverlap);
});
