/** What is asked of systemctl, and how its answers are read. */
import { assertEquals, assertRejects } from "@std/assert";
import { LinuxServices, ServiceError, serviceState } from "../../../../src/system/units/mod.ts";

Deno.test("a service is ready, starting, failing or stopped, by what systemctl shows of it", () => {
  const cases: readonly [active: string, sub: string, state: string][] = [
    ["active", "running", "ready"],
    ["reloading", "reload", "ready"],
    ["activating", "start", "starting"],
    ["activating", "auto-restart", "failing"],
    ["activating", "auto-restart-queued", "failing"],
    ["failed", "failed", "failed"],
    ["deactivating", "stop-sigterm", "starting"],
    ["inactive", "dead", "stopped"],
    ["", "", "stopped"],
  ];
  for (const [active, sub, state] of cases) {
    assertEquals(
      serviceState(`ActiveState=${active}\nSubState=${sub}\n`),
      state,
      `${active} ${sub}`,
    );
  }
});

Deno.test("of what a service has said its last error counts, then its last line", async () => {
  const saying = (output: string) =>
    new LinuxServices(() => Promise.resolve({ success: true, message: "", output })).lastSaid("x");
  assertEquals(await saying("12:00:00 error: no\n12:00:01 bye\n"), "12:00:00 error: no");
  assertEquals(await saying("one\ntwo\n\n"), "two");
  assertEquals(await saying(""), undefined);
});

Deno.test("of a service that was started here only that counts which it has said since", async () => {
  const asked: string[] = [];
  let unixMs = 0;
  const services = new LinuxServices((words) => {
    asked.push(words.join(" "));
    if (words.includes("stop")) unixMs = 1_790_000_000_250;
    return Promise.resolve({ success: true, message: "", output: "" });
  }, { folder: Deno.makeTempDirSync(), unixMs: () => unixMs });
  try {
    await services.lastSaid("x");
    assertEquals(asked.pop()?.includes("--since"), false);
    await services.install("x", "[Unit]\n");
    assertEquals(services.unit("x"), "[Unit]\n");
    await services.lastSaid("x");
    assertEquals(asked.pop()?.includes(" --since=@1790000000.250 "), true);
    await services.lastSaid("another");
    assertEquals(asked.pop()?.includes("--since"), false);
  } finally {
    Deno.removeSync(services.folder, { recursive: true });
  }
});

Deno.test("what systemctl does not do is an error with its own words", async () => {
  const services = new LinuxServices(() =>
    Promise.resolve({ success: false, message: "Access denied", output: "" })
  );
  const error = await assertRejects(() => services.remove("lanparty-none"), ServiceError);
  assertEquals(error.message, "systemctl disable --now lanparty-none: Access denied");
});
