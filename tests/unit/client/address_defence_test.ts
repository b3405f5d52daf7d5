import { assertEquals } from "@std/assert";
import { AddressDefence } from "../../../src/client/address_defence.ts";

const OWN = "020000000051";
const OTHER = "020000000099";
const ADDRESS = 0xc0000232; // 192.0.2.50
const WIRE = "c0000232";
const NONE = "00000000";

/** An ARP message behind its Ethernet header. */
const arp = (
  { mac = OTHER, sender = NONE, target = NONE, operation = 1, head = "000108000604" } = {},
) => Uint8Array.fromHex(`${head}000${operation}${mac}${sender}000000000000${target}`);

const frameOf = (sender: string) =>
  `ffffffffffff${OWN}08060001080006040001${OWN}${sender}000000000000${WIRE}`;

function defend() {
  const defence = new AddressDefence(Uint8Array.fromHex(OWN));
  const drain = () => defence.drainFrames().map((frame) => frame.toHex());
  return {
    defence,
    drain,
    hear: (message: Uint8Array, nowMs: number) =>
      defence.handleArp(message, 0, message.length, nowMs),
    /** Lets everything be sent that is due until then. */
    pass: (untilMs: number) => {
      const sent: [number, string][] = [];
      while (defence.deadlineMs <= untilMs) {
        const atMs = defence.deadlineMs;
        defence.handleTimeout(atMs);
        sent.push(...drain().map((frame): [number, string] => [atMs, frame]));
      }
      return sent;
    },
  };
}

Deno.test("a new address is probed for three times, and then announced twice", () => {
  const { defence, drain, pass } = defend();
  defence.begin(ADDRESS, 1_000);
  assertEquals(drain(), [frameOf(NONE)]);
  assertEquals(pass(100_000), [
    [1_200, frameOf(NONE)],
    [1_400, frameOf(NONE)],
    [1_600, frameOf(WIRE)],
    [3_600, frameOf(WIRE)],
  ]);
  assertEquals(defence.deadlineMs, Infinity);
});

const CLAIMS = {
  "an answer": arp({ sender: WIRE, operation: 2 }),
  "an announcement": arp({ sender: WIRE, target: WIRE }),
  "a question of the address's owner": arp({ sender: WIRE, target: "c0000201" }),
};

for (const [name, claim] of Object.entries(CLAIMS)) {
  Deno.test(`${name} by somebody else while it is probed for is a conflict`, () => {
    const { defence, hear } = defend();
    defence.begin(ADDRESS, 0);
    assertEquals(hear(claim, 100), true);
  });
}

Deno.test("somebody who probes for the same address at the same time is a conflict, later on none", () => {
  const { defence, drain, hear, pass } = defend();
  const probe = arp({ target: WIRE });
  defence.begin(ADDRESS, 0);
  assertEquals(hear(probe, 100), true);
  pass(10_000);
  drain();
  // The system answers it, and whoever asks takes another address.
  assertEquals(hear(probe, 11_000), false);
  assertEquals(drain(), []);
});

Deno.test("an address in use is defended once, and given up to who claims it again within ten seconds", () => {
  const { defence, drain, hear, pass } = defend();
  const claim = arp({ sender: WIRE, target: WIRE });
  defence.begin(ADDRESS, 0);
  pass(60_000);
  assertEquals([hear(claim, 60_000), drain()], [false, [frameOf(WIRE)]]);
  // Once an hour somebody with a wrong setting comes by.
  assertEquals([hear(claim, 70_001), drain()], [false, [frameOf(WIRE)]]);
  assertEquals([hear(claim, 80_000), drain()], [true, []]);
});

Deno.test("what says nothing of the address is no conflict", () => {
  const { defence, hear } = defend();
  const claim = arp({ sender: WIRE });
  assertEquals(hear(claim, 0), false); // none is used
  defence.begin(ADDRESS, 0);
  for (
    const message of [
      arp({ sender: "c0000233", target: WIRE }), // somebody asks for it
      arp({ mac: OWN, sender: WIRE, target: WIRE }), // our own, come back
      arp({ target: "c0000233" }),
      arp({ operation: 2, target: WIRE }),
      arp({ sender: WIRE, head: "000608000604" }),
      arp({ sender: WIRE, head: "000186dd0604" }),
      arp({ sender: WIRE, head: "000108000804" }),
      claim.subarray(0, 27),
    ]
  ) {
    assertEquals(hear(message, 1), false, message.toHex());
  }
  defence.end();
  assertEquals([hear(claim, 2), defence.deadlineMs], [false, Infinity]);
});
