import type { GatewayPlayerView } from "../../../src/serve/gateway_view.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as fc from "fast-check";
import type { ListedBan } from "../../../src/control/host_messages.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { answerHost, type HostActions, type HostWish } from "../../../src/serve/host_control.ts";

const BANS: readonly ListedBan[] = [
  {
    id: "0000000001",
    by: "host",
    targets: ["02:00:00:00:00:52", "192.0.2.7"],
    forMs: 3_600_000,
    name: "Bob",
  },
  { id: "0000000002", by: "host", targets: ["2001:db8:0:1::/64"], forMs: 1_000, reason: "cheats" },
];

class Actions implements HostActions {
  readonly unixMs = 1_700_000_000_000;
  readonly room = "PARTY";
  readonly wishes: HostWish[] = [];
  readonly players: GatewayPlayerView[] = [
    {
      ...{ peerId: 2, mac: "02:00:00:00:00:51", name: "Ann" },
      ...{ served: true, dhcpServer: false, sees: "good" },
    },
    {
      ...{ peerId: 17, mac: "02:00:00:00:00:52" },
      ...{ served: false, dhcpServer: true, sees: "unknown" },
    },
    {
      ...{ peerId: 18, mac: "02:00:00:00:00:53", name: "Cora" },
      ...{ served: true, dhcpServer: true, sees: "no-address" },
    },
  ];

  lockState: HostActions["lockState"] = "open";
  readonly #ok: boolean;

  constructor(readonly joined = true, ok = true) {
    this.#ok = ok;
  }

  invite = () => ({ ok: true, text: "lanparty1AAAA" });

  ask = (wish: HostWish) => {
    this.wishes.push(wish);
    const bans = wish.action === "bans" ? BANS : [];
    return Promise.resolve({ ok: this.#ok, message: "says the relay", bans });
  };
}

async function ask(line: string, actions = new Actions()): Promise<string> {
  const { ok, text } = await answerHost(line === "" ? [] : line.split(" "), actions);
  return `${ok ? "+" : "-"}${text}`;
}

Deno.test("the host gets the invite, whether or not the gateway is in the room", async () => {
  assertEquals(await ask("invite"), "+lanparty1AAAA");
  assertEquals(await ask("invite", new Actions(false)), "+lanparty1AAAA");
  assertStringIncludes(await ask("invite ANN"), "-expected players | invite |");
});

Deno.test("the host sees the players of the room", async () => {
  assertEquals((await ask("players")).split("\n"), [
    "+PLAYER  MAC                IN THE LAN               SEES        NAME",
    "2       02:00:00:00:00:51  yes                      the LAN     Ann",
    "17      02:00:00:00:00:52  no                       ?",
    "18      02:00:00:00:00:53  yes, with a DHCP server  no address  Cora",
  ]);
});

Deno.test("below the players stands whether the room is locked", async () => {
  const actions = new Actions();
  for (const [state, text] of [["locked", "locked: no new"], ["again", "locked again within"]]) {
    actions.lockState = state as HostActions["lockState"];
    const lines = (await ask("players", actions)).split("\n");
    assertEquals(lines.length, 5);
    assertStringIncludes(lines[4], text);
  }
});

Deno.test("the host's words become what the relay is asked, players by number or MAC", async () => {
  const wishes: [string, HostWish][] = [
    ["kick 17", { action: "kick", peerId: asPeerId(17) }],
    ["kick 02:00:00:00:00:52 --for=2h --reason=x", {
      action: "kick",
      peerId: asPeerId(17),
      forMs: 7_200_000,
      reason: "x",
    }],
    ["ban 2", { action: "ban", peerId: asPeerId(2) }],
    ["ban 02:00:00:00:00:51 --for=7d", { action: "ban", peerId: asPeerId(2), forMs: 604_800_000 }],
    ["ban 02:00:00:00:00:99", { action: "ban", target: "02:00:00:00:00:99" }],
    ["ban 192.0.2.7 --reason=x", { action: "ban", target: "192.0.2.7", reason: "x" }],
    ["unban 02:00:00:00:00:51", { action: "unban", target: "02:00:00:00:00:51" }],
    ["unban 0000000001", { action: "unban", target: "0000000001" }],
    ["lock", { action: "lock" }],
    ["unlock", { action: "unlock" }],
    ["release 02:00:00:00:00:51", { action: "release", target: "02:00:00:00:00:51" }],
  ];
  for (const [line, wish] of wishes) {
    const actions = new Actions();
    assertEquals(await ask(line, actions), "+says the relay", line);
    assertEquals(actions.wishes, [wish], line);
  }
  assertEquals(await ask("lock", new Actions(true, false)), "-says the relay");
});

Deno.test("the room's bans come as a table", async () => {
  assertEquals((await ask("bans")).split("\n"), [
    "+BAN         ROOM   BY    LEFT      WHO                          NAME  REASON",
    "0000000001  PARTY  host  1 hour    02:00:00:00:00:52 192.0.2.7  Bob",
    "0000000002  PARTY  host  1 second  2001:db8:0:1::/64                  cheats",
  ]);
  assertEquals(await ask("bans", new Actions(true, false)), "-says the relay");
});

Deno.test("what cannot be asked is not: nobody of that name, no such words, no room", async () => {
  const actions = new Actions();
  for (const name of ["3", "Ann", "02:00:00:00:00:99", "192.0.2.7"]) {
    assertEquals(
      await ask(`kick ${name}`, actions),
      `-there is no player ${name} (players lists them)`,
    );
  }
  assertEquals(await ask("ban 3", actions), "-there is no player 3 (players lists them)");
  assertStringIncludes(await ask("kick 2 --for=soon", actions), '-"soon" is no time');
  const unknown = ["", "toString", "kick", "kick 2 3", "lock PARTY", "drain", "rooms", "players x"];
  for (const line of [...unknown, "bans --for=1h", "ban 2 --room=PARTY", "unban 1 --reason=x"]) {
    assertStringIncludes(
      await ask(line, actions),
      "-expected players | invite | kick PLAYER",
      line,
    );
  }
  assertEquals(actions.wishes, []);
  for (const line of ["players", "kick 2", "bans", "lock"]) {
    assertEquals(await ask(line, new Actions(false)), "-the gateway is not in the room PARTY now");
  }
});

Deno.test("any words get an answer", async () => {
  const words = fc.array(
    fc.oneof(
      fc.string(),
      fc.constantFrom("kick", "ban", "unban", "2", "--for=1h", "--reason=", "bans"),
    ),
    { maxLength: 5 },
  );
  await fc.assert(fc.asyncProperty(words, async (all) => {
    assert((await answerHost(all, new Actions())).text.length > 0);
  }));
});
