import { assertEquals, assertRejects } from "@std/assert";
import { checkFullPayloads, checkPing, checkTcp, type Ends } from "../../../tools/lab/checks.ts";
import { formatTable } from "../../../tools/lab/table.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { CommandError, ProcessError } from "../../../tools/lab/process.ts";

/** A namespace in which every command ends like this. */
function namespaceWith(end: () => Promise<{ stdout: string }>): Namespace {
  const server = { waitForLine: () => Promise.resolve(), stop: () => Promise.resolve(0) };
  return { run: end, spawn: () => server } as unknown as Namespace;
}

function endsWith(end: () => Promise<{ stdout: string }>): Ends {
  const namespace = namespaceWith(end);
  return { lan: namespace, player: namespace, playerAddress: "10.77.0.100" };
}

const stuck = () => {
  const command = "ip netns exec lanparty-1-0-lan ping -c 100 10.77.0.1";
  return Promise.reject(
    new ProcessError(`${command} still runs after 30000 ms\n--- stdout\nA lot.`),
  );
};

Deno.test("demo: what gets stuck or fails is a row that fails, in one line", async () => {
  assertEquals(await checkPing("ping", namespaceWith(stuck), "10.77.0.1"), {
    check: "ping",
    seen: "ping -c 100 10.77.0.1 still runs after 30000 ms",
    ok: false,
  });
  const seen = "iperf3 did not end within 20 s";
  assertEquals(await checkTcp("TCP", endsWith(stuck), false), { check: "TCP", seen, ok: false });
  assertEquals(await checkFullPayloads("UDP", endsWith(stuck), true), {
    check: "UDP",
    seen,
    ok: false,
  });
  const missing = () =>
    Promise.reject(new CommandError(["iperf3"], { code: 127, stdout: "", stderr: "not found" }));
  assertEquals((await checkTcp("TCP", endsWith(missing), false)).ok, false);
});

Deno.test("demo: pings that are lost fail, and there is no median of none", async () => {
  const lost = "100 packets transmitted, 0 received, 100% packet loss";
  const row = await checkPing("ping", namespaceWith(() => Promise.resolve({ stdout: lost })), "x");
  assertEquals(row, { check: "ping", seen: "0/100", ok: false });
  assertEquals(formatTable([row]).split("\n")[3], "| ping  | 0/100 | FAIL |");
});

Deno.test("demo: a bug in a check is no row", async () => {
  const bug = () => Promise.reject(new TypeError("not a function"));
  await assertRejects(() => checkPing("ping", namespaceWith(bug), "x"), TypeError);
});
