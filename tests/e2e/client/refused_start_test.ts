/**
 * A client that cannot start leaves nothing behind of what network managers are told before the adapter is there.
 *
 * ```text
 *  ┌ namespace "refused" ──────────────────────────────────┐
 *  │ lo    a /run of its own, in which networkd seems to run │
 *  └───────────────────────────────────────────────────────┘
 * ```
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { NetworkLab } from "../../../tools/lab/netns.ts";

const TIMEOUT_MS = 15_000;
/** Arguments of the shell: what is run there. */
const SCRIPT =
  `mount -t tmpfs none /run && mkdir -p /run/systemd/netif && : > /run/systemd/netif/state
"$@"
echo "ended with $?"
find /run -type f`;

Deno.test("a client whose frame log cannot be written says so, and has told nobody of its adapter", async () => {
  await using lab = await NetworkLab.open();
  const namespace = await lab.namespace("refused");
  const state = `${lab.folder}/state`;
  const process = namespace.spawn([
    ...["unshare", "--mount", "sh", "-c", SCRIPT, "sh", executablePath("client")],
    ...["--relay", "127.0.0.1:4433", "--room", "PARTY", "--room-key", "A".repeat(22)],
    ...["--state-dir", state, "--frame-log", "/nonexistent/log"],
  ]);
  assertEquals(await process.waitExit(TIMEOUT_MS), 0, process.stderr);
  assertStringIncludes(process.stderr, "--frame-log");
  assertEquals(process.stdout.trim().split("\n"), ["ended with 1", "/run/systemd/netif/state"]);
  const kept = [...Deno.readDirSync(state)].map(({ name }) => name);
  assertEquals(kept.filter((name) => name.includes("journal")), []);
});
