/** HTTP out of a namespace. */
import type { Namespace } from "../../tools/lab/netns.ts";

const PROGRAM = "const r = await fetch(Deno.args[0]); console.log(await r.text());";

/** An answer's body. @throws {CommandError} nobody answers */
export async function fetchFrom(from: Namespace, url: string): Promise<string> {
  const file = `${from.lab.folder}/fetch.ts`;
  Deno.writeTextFileSync(file, PROGRAM);
  const command = [Deno.execPath(), "run", "--quiet", "--no-config", "--allow-net", file, url];
  return (await from.run(command)).stdout;
}
