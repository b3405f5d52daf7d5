import { assertEquals, assertStringIncludes } from "@std/assert";
import { TokenStore } from "../../../src/endpoint/token_store.ts";
import { Stage, waitOf } from "./harness.ts";

const PIN = "A".repeat(43);

/** From the connect action that is there: the relay sends us on. */
function redirect(stage: Stage, relay: string, more: object = {}): void {
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "redirect", relay, ...more });
}

/** Hosts of the connect actions since the last clear. */
function hosts(stage: Stage): string[] {
  return stage.actions("connect").map(({ targets: [{ host, port }] }) => `${host}:${port}`);
}

//= PROTOCOL.md 5.3
//# Who receives `reject`, `redirect` or `disconnect` closes the connection at once, with the same
//# code.
//= PROTOCOL.md 6.3
//# | **`relay`** | text | `HOST:PORT` or `[IPv6]:PORT`: this room lives there. Without a port: 443
//= PROTOCOL.md 6.3
//# After a redirect the endpoint connects there and says hello again.
Deno.test("a redirect is followed at once, to its port, under its own name", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org:4433");
  assertEquals(stage.only("close").errorCode, 1);
  assertEquals(stage.only("connect").targets, [
    { host: "b.example.org", port: 4433, serverName: "b.example.org" },
  ]);
  assertEquals(stage.statuses("redirected"), [{ type: "redirected", relay: "b.example.org:4433" }]);
});

//= PROTOCOL.md 6.3
//# | `serverName` | text | the name in that relay's certificate, where it is not the host: a DNS
//# name of at most 253 characters in labels of letters, digits and inner hyphens (RFC 1123 §2.1),
//# or an IP address; readers make it lower case
//= PROTOCOL.md 6.3
//# | `fingerprint` | text | the pin of that relay, as in section 3; trusted because its sender was
Deno.test("a redirect may name the certificate's name and key", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "[2001:db8::2]:443", { serverName: "b.example.org", fingerprint: PIN });
  const { host, serverName, fingerprint } = stage.only("connect").targets[0];
  assertEquals({ host, serverName, fingerprint }, {
    host: "2001:db8::2",
    serverName: "b.example.org",
    fingerprint: PIN,
  });
});

//= PROTOCOL.md 6.3
//# Where the redirect has no fingerprint, what the endpoint was given for its first relay decides.
Deno.test("a redirect without a key leaves the pin of the invitation in force", () => {
  const stage = new Stage({ fingerprint: PIN });
  stage.start();
  redirect(stage, "b.example.org");
  assertEquals(stage.only("connect").targets[0].fingerprint, PIN);
});

//= PROTOCOL.md 6.3
//# Where a public address led to the sender of a redirect to an address of private networks, a
//# translator (NAT) stands before it: the address at hand, with the redirect's port, is tried first.
Deno.test("a relay behind NAT that says its own address is looked for where it was reached", () => {
  const cases = [
    ["198.51.100.77", "10.0.0.10:444", ["198.51.100.77:444", "10.0.0.10:444"]],
    ["2001:db8::7", "[fd00::10]:444", ["2001:db8::7:444", "fd00::10:444"]],
    // Inside a LAN there may be no translator, a public address is reached by everybody, and a name is the relay's own word.
    ["192.168.1.9", "192.168.1.10:444", ["192.168.1.10:444"]],
    ["198.51.100.77", "198.51.100.78:444", ["198.51.100.78:444"]],
    ["198.51.100.77", "b.example.org:444", ["b.example.org:444"]],
    ["relay.example.org", "10.0.0.10:444", ["10.0.0.10:444"]],
  ] as const;
  for (const [host, relay, expected] of cases) {
    const stage = new Stage({ relays: [{ host, port: 443 }], fingerprint: PIN });
    stage.start();
    redirect(stage, relay, { serverName: "b.example.org" });
    const { targets } = stage.only("connect");
    assertEquals(targets.map(({ host, port }) => `${host}:${port}`), [...expected]);
    for (const { serverName, fingerprint } of targets) {
      assertEquals({ serverName, fingerprint }, { serverName: "b.example.org", fingerprint: PIN });
    }
  }
  // Without a name in the redirect, each is checked by its own.
  const stage = new Stage({ relays: [{ host: "198.51.100.77", port: 443 }] });
  stage.start();
  redirect(stage, "10.0.0.10:444");
  const names = stage.only("connect").targets.map(({ serverName }) => serverName);
  assertEquals(names, ["198.51.100.77", "10.0.0.10"]);
});

//= PROTOCOL.md 6.3
//# It follows at most 3, one behind the other.
Deno.test("three redirects are followed, the fourth leads back home after a while", () => {
  const stage = new Stage();
  stage.start();
  for (const host of ["b", "c", "d"]) {
    redirect(stage, `${host}.example.org`);
    assertEquals(hosts(stage), [`${host}.example.org:443`]);
  }
  redirect(stage, "e.example.org");
  assertEquals(hosts(stage), []);
  assertStringIncludes(stage.statuses("retrying")[0].reason, "circles");
  stage.advance(125);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
});

Deno.test("a circle of redirects never ends the program, and waits longer each time around", () => {
  const stage = new Stage();
  stage.start();
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    for (const host of ["b", "c", "d", "e"]) redirect(stage, `${host}.example.org`);
    waits.push(waitOf(stage));
    stage.advance(waits[round]);
  }
  assertEquals(waits, [125, 250, 500, 1000, 2000, 4000, 8000, 15_000]);
});

Deno.test("when the other relay cannot be reached, the original one is asked again", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.clear();
  stage.closed({ transport: "timeout" });
  stage.advance(125);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
  // And its redirects count from the beginning.
  for (const host of ["b", "c", "d"]) {
    redirect(stage, `${host}.example.org`);
    assertEquals(hosts(stage), [`${host}.example.org:443`]);
  }
});

Deno.test("a wrong certificate behind a redirect leads back home, too", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.clear();
  stage.closed({ transport: "certificate", certificateProblem: "wrong-name" });
  assertEquals(stage.actions("ended"), []);
  stage.advance(125);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
});

Deno.test("a full room on the other relay is asked for at the original one again", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "reject", code: "room-full", message: "", retryAfterMs: 10_000 });
  stage.advance(10_000);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
});

Deno.test("a refusal on the other relay that cannot change is final", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.greet();
  stage.relaySays({ type: "reject", code: "not-admitted", message: "" });
  assertEquals(stage.only("ended").exitCode, 1);
});

Deno.test("a MAC in use on the other relay is tried there again, without another redirect", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "reject", code: "mac-in-use", message: "" });
  stage.advance(1000);
  assertEquals(hosts(stage), ["b.example.org:443"]);
});

Deno.test("a session whose path broke goes to its relay first, and then home", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.join();
  stage.clear();
  stage.closed({ transport: "timeout" });
  stage.advance(125);
  assertEquals(hosts(stage), ["b.example.org:443"]);
  stage.clear();
  stage.closed({ transport: "refused" });
  stage.advance(250);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
});

Deno.test("a relay that restarts may have handed the room on: home knows where to", () => {
  for (const retryAfterMs of [undefined, 2000]) {
    const stage = new Stage();
    stage.start();
    redirect(stage, "b.example.org");
    stage.join();
    stage.clear();
    stage.relaySays({ type: "disconnect", code: "relay-restarting", message: "", retryAfterMs });
    stage.advance(2000);
    assertEquals(hosts(stage), ["relay.example.org:443"]);
  }
});

Deno.test("a relay that breaks the protocol is not gone back to, home is asked first", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org");
  stage.join();
  stage.clear();
  stage.relaySays({ type: "nonsense" });
  stage.advance(2000);
  assertEquals(hosts(stage), ["relay.example.org:443"]);
});

Deno.test("each relay gets its own token, and no other's", () => {
  const tokens = new TokenStore();
  const peer = "02:00:00:00:00:51";
  tokens.set({ relay: "relay.example.org:443", room: "LAN", peer }, "home's");
  const stage = new Stage({ tokens });
  stage.start();
  stage.greet();
  assertEquals(stage.sent()[0].resume, "home's");
  stage.clear();
  stage.relaySays({ type: "redirect", relay: "b.example.org" });
  stage.join({ resume: "b's" });
  assertEquals(stage.sent()[0].resume, undefined);
  assertEquals(stage.only("saveToken").key.relay, "b.example.org:443");
  stage.clear();
  stage.closed({ transport: "timeout" });
  stage.advance(125);
  stage.greet();
  assertEquals(stage.sent()[0].resume, "b's");
});

Deno.test("the room's relay is told with the room", () => {
  const stage = new Stage();
  stage.start();
  redirect(stage, "b.example.org:4433");
  stage.join();
  const { host, port } = stage.only("joined").relay;
  assertEquals({ host, port }, { host: "b.example.org", port: 4433 });
  assertEquals(stage.session.relay.host, "b.example.org");
});
