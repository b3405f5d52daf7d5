/** VLANs of hosts. */
import { CommandError, type Namespace } from "../../tools/lab/netns.ts";
import { eventually } from "../../tools/lab/wait.ts";

const START_TIMEOUT_MS = 30_000;

/** Gives a host an interface `vlanID` over another one: the kernel's own kind where there is one. */
export async function addVlan(
  namespace: Namespace,
  interfaceName: string,
  id: number,
  address: string,
): Promise<void> {
  const name = `vlan${id}`;
  try {
    // deno-fmt-ignore
    await namespace.ip("link", "add", "link", interfaceName, "name", name, "type", "vlan", "id", `${id}`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const program = new URL("./vlan_port_program.ts", import.meta.url).pathname;
    // deno-fmt-ignore
    const process = namespace.spawn([Deno.execPath(), "run", "--allow-all", "--no-check", "--quiet",
      program, interfaceName, `${id}`, name]);
    await process.waitForLine(/^ready$/, START_TIMEOUT_MS);
    await eventually(`${name} is there`, () => namespace.has(name));
  }
  await namespace.ip("addr", "add", address, "dev", name);
  await namespace.ip("link", "set", name, "up");
}
