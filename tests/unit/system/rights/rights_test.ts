import { assertEquals } from "@std/assert";

Deno.test({
  name: "a capability is seen where it is, and missed where it is not",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    const module = new URL("../../../../src/system/rights/linux.ts", import.meta.url).href;
    const output = await new Deno.Command("setpriv", {
      // deno-fmt-ignore
      args: ["--bounding-set=-net_raw", Deno.execPath(), "eval",
        `import { Capability, hasCapability } from "${module}";
         console.log(hasCapability(Capability.netRaw), hasCapability(Capability.netAdmin),
           hasCapability(Capability.netBindService));`],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(output.stdout).trim(), "false true true");
  },
});
