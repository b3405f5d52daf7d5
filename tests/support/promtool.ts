/** Prometheus' own judge of metrics. */
import { unpackedPackage } from "../../tools/build/debian_package.ts";
import { findCommand } from "../../tools/build/process.ts";

async function promtool(): Promise<string> {
  return await findCommand("promtool") ??
    `${await unpackedPackage("prometheus")}/usr/bin/promtool`;
}

/** What `promtool check metrics` says of a text: nothing where it is good. */
export async function judgeMetrics(metrics: string): Promise<string> {
  const child = new Deno.Command(await promtool(), {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(metrics));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return code === 0 ? said : `${said}\nexit code ${code}`;
}
