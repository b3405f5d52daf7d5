/**
 * What lanparty-client.exe says when the relay cannot be reached, in the same words as on Linux and as soon.
 *
 * ```text
 *   windows (Wine)              relay
 *  ┌──────────────┐            ┌──────────────┐
 *  │ wan0 10.96.0.2 ───────────┼ wan0 10.96.0.1│ nobody listens
 *  └──────────────┘            └──────────────┘
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import { NetworkLab } from "../../tools/lab/netns.ts";
import { filterPackets } from "../../tools/lab/packet_filter.ts";
import { sayingPattern } from "../support/sentences.ts";
import { WinePc } from "../support/wine.ts";

const RELAY = "10.96.0.1";
const AT = { address: RELAY, port: "443" };
/** Wine takes its time to start. */
const SAID_MAX_MS = 40_000;
/** How soon it is said, by the client's own clock; a busy machine may need longer. */
const TOLD_MAX_MS = 6_000;

/** The time of a log line, `11:22:33.456` or a date in front of it. */
function timeOf(text: string, pattern: RegExp): number {
  const line = text.split("\n").find((one) => pattern.test(one)) ?? "";
  const [, hours, minutes, seconds] = /(\d\d):(\d\d):(\d\d\.?\d*)/.exec(line) ?? [];
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
}

Deno.test("why a relay cannot be reached is told in words on Windows, too", async (test) => {
  await using lab = await NetworkLab.open();
  const windows = await lab.namespace("windows");
  const relay = await lab.namespace("relay");
  await lab.veth(
    { namespace: windows, name: "wan0", addresses: ["10.96.0.2/24"] },
    { namespace: relay, name: "wan0", addresses: [`${RELAY}/24`] },
  );
  await windows.ip("route", "add", "default", "via", RELAY);
  await using pc = await WinePc.open(windows);
  await pc.installAdapter();
  const says = async (address: string, expected: RegExp) => {
    const options = ["--relay-fingerprint", "A".repeat(43), "--room", "PARTY"];
    const client = pc.client("--relay", address, ...options);
    try {
      await client.waitForLine(expected, SAID_MAX_MS);
    } finally {
      client.kill("SIGINT");
      assertEquals(await client.waitExit(20_000), 0, client.stderr);
    }
    assert(!/UNREACHABLE|CONNECTION_|0x8/.test(client.stderr), client.stderr);
    const tookMs = timeOf(client.stderr, expected) -
      timeOf(client.stderr, /Connecting to the relay/);
    assert(tookMs <= TOLD_MAX_MS, client.stderr);
  };
  await test.step("nobody listens there", async () => {
    await says(RELAY, sayingPattern("relay/nobody-listens", AT));
  });
  await test.step("UDP is dropped, and the machine is there", async () => {
    const clear = await filterPackets(relay, "input", "udp dport 443 drop");
    await says(RELAY, sayingPattern("relay/silent-and-there", AT));
    await clear();
  });
  await test.step("an IPv6 address, without IPv6", async () => {
    await says("[2001:db8:5::1]:443", sayingPattern("relay/no-ipv6"));
  });
  await test.step("no network at all", async () => {
    await windows.ip("route", "del", "default");
    await says("198.51.100.10", sayingPattern("relay/no-network"));
  });
});
