/**
 * Rights on Linux, for who has clicked on a link: asked for by sudo, in the terminal that the link has opened.
 *
 * @module
 */
import { systemProgram } from "../../system/command/mod.ts";
import { Capability, hasCapability } from "../../system/rights/mod.ts";
import { UserError } from "../../log/user_error.ts";

/** Whether the client has to be started again to get its rights. */
export function needsRoot(): boolean {
  return !hasCapability(Capability.netAdmin);
}

/**
 * Starts this program again as root, and waits for its end. The invite goes by a pipe, where nobody else can see it.
 *
 * @returns its exit code
 * @throws {UserError} there is no sudo
 */
export async function joinAsRoot(invite: string): Promise<number> {
  const sudo = systemProgram("sudo");
  if (sudo === undefined) {
    throw new UserError(
      "joining takes root's rights, and there is no sudo: as root, start lanparty-client and paste the invite",
    );
  }
  // Ctrl-C is for the program that root runs: it puts everything back, and ends.
  Deno.addSignalListener("SIGINT", () => {});
  const child = new Deno.Command(sudo, {
    args: ["--", Deno.execPath(), "--invite-file", "-"],
    stdin: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${invite}\n`)).catch(() => {});
  await writer.close().catch(() => {});
  return (await child.status).code;
}
