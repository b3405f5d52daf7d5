/**
 * The compiled relay as a service: what it tells the manager, with a socket of the test's in its place.
 *
 * ```
 *  relay ── READY, STATUS, WATCHDOG, RELOADING, STOPPING ──► unix datagram socket
 * ```
 */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { ServiceManager } from "../../support/service_manager.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const STOP_MAX_MS = 5_000;

Deno.test("a service manager hears of the start, the rooms, the watchdog, a reload and the end", async () => {
  await using manager = await ServiceManager.open();
  await using relay = await RelayProcess.start({ prefix: manager.prefix });
  await manager.hears(/^READY=1\nSTATUS=0 rooms, 0 peers$/);
  await using client = await DenoEndpoint.connect(relay.address);
  await client.join({ room: "PARTY", mac: "02:00:00:00:00:0a" });
  await manager.hears(/^STATUS=1 room, 1 peer$/);
  relay.kill("SIGHUP");
  await manager.hears(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  await eventually("READY again", () => manager.count(/^READY=1/) === 2);
  const watchdogs = () => manager.count(/^WATCHDOG=1$/);
  const before = watchdogs();
  await eventually("the watchdog", () => watchdogs() >= before + 5, 3_000);
  const stopMs = performance.now();
  relay.kill("SIGTERM");
  const farewell = await client.message();
  assertEquals([farewell.type, farewell["code"]], ["disconnect", "relay-restarting"]);
  assert(Number(farewell["retryAfterMs"]) > 0);
  assertEquals(await relay.waitExit(), 0);
  assertLess(performance.now() - stopMs, STOP_MAX_MS);
  await manager.hears(/^STOPPING=1\nSTATUS=stopping$/);
});

Deno.test("silent peers and half-open ones do not delay the end beyond 5 s", async () => {
  await using relay = await RelayProcess.start();
  await using _silent = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await using joined = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await joined.join({ room: "PARTY", mac: "02:00:00:00:00:0a" });
  const stopMs = performance.now();
  relay.kill("SIGTERM");
  assertEquals(await relay.waitExit(), 0);
  assertLess(performance.now() - stopMs, STOP_MAX_MS);
});

Deno.test("the commands fingerprint and unit print what the running relay uses", async () => {
  await using relay = await RelayProcess.start();
  const run = async (...args: string[]) => {
    const { code, stdout } = await new Deno.Command(executablePath("relay"), { args }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  const [, shown] = /"Certificate in use".*?"fingerprint":"(.*?)"/.exec(relay.log)!;
  const cert = relay.caFile.replace(/ca\.pem$/, "cert.pem");
  assertEquals(await run("fingerprint", "--cert", cert), { code: 0, text: `${shown}\n` });
  const empty = relay.caFile.replace(/ca\.pem$/, "state");
  assertEquals(await run("fingerprint", "--state-dir", empty), { code: 1, text: "" });
  const unit = await run("unit", "--listen", "4433/udp", "--policy", "open");
  assertEquals(unit.code, 0);
  assertMatch(unit.text, /^ExecStart=\/\S+\/lanparty-relay --listen 4433\/udp --policy open$/m);
  assertEquals((await run("unit", "--listen", "nowhere")).code, 2);
});
