/** The units that the compiled executables print, judged by systemd itself. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";

/** What systemd's analysis may say at most: an exposure of 0 … 10. CAP_NET_ADMIN counts much. */
const UNITS = [
  {
    name: "relay",
    args: ["--listen", "443/udp", "--status", "9465", "--cert-name", "50% $HOME", "--policy=open"],
    files: ["--cert", "/etc/lanparty/cert.pem", "--key=/home/ann/50% key.pem"],
    exposureMax: 1.5,
  },
  {
    name: "gateway",
    args: ["--relay", "relay.test", "--room", "A", "--interface", "eth0", "--name", "50% Ann's"],
    files: ["--gateway-key-file", "/home/ann/party.key"],
    exposureMax: 2.5,
  },
] as const;

async function outputOf(command: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, error };
}

for (const { name, args: plain, files, exposureMax } of UNITS) {
  const args = [...plain, ...files];
  Deno.test(`systemd finds nothing wrong with the ${name}'s unit, and rates it ${exposureMax} or lower`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-unit-" });
    try {
      const printed = await outputOf(executablePath(name), ["unit", ...args]);
      assertEquals(printed.code, 0);
      const file = `${folder}/lanparty-${name}.service`;
      await Deno.writeTextFile(file, printed.out);
      const verified = await outputOf("systemd-analyze", ["verify", file]);
      // It reads the units of this machine, too: what is wrong with those is no fault of ours.
      const ours = verified.error.split("\n").filter((line) => line.includes("lanparty"));
      assertEquals([verified.code, ours], [0, []], verified.error);
      const options = ["security", "--offline=true", "--no-pager", file];
      const { out } = await outputOf("systemd-analyze", options);
      const exposure = /exposure level[^:]*: ([\d.]+)/.exec(out)?.[1];
      assert(exposure !== undefined, out);
      assertLessOrEqual(Number(exposure), exposureMax);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  Deno.test(`systemd sees what is wrong with a unit of the ${name}'s that was spoilt`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-unit-" });
    try {
      const printed = await outputOf(executablePath(name), ["unit", ...args]);
      const file = `${folder}/lanparty-${name}.service`;
      await Deno.writeTextFile(file, printed.out.replace("DynamicUser=yes", "DynamicUser=perhaps"));
      const verified = await outputOf("systemd-analyze", ["verify", file]);
      assert(verified.error.includes("perhaps"), verified.error);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
