/**
 * Keys and invites in the environment: taken out of it when a program starts, so that neither the programs that it
 * starts nor whoever looks at the process (proc(5), `environ`) find them there. What gave them to this
 * program (a shell, a file of systemd's) still has them, and so has this process's own memory.
 *
 * @module
 */

import { wipeInitialEnvironment } from "./c_environment.ts";

/** `LANPARTY_ROOM_KEY`, `LANPARTY_GATEWAY_KEY`, `LANPARTY_INVITE`, and what may be called so one day. */
const SECRET = /^LANPARTY_[A-Z0-9_]*(?:KEY|INVITE)$/;

const taken = new Map<string, string>();

/** Takes all keys out of the environment; to be called before anything else is started. */
export function hideSecrets(): void {
  const names = Object.keys(Deno.env.toObject()).filter((name) => SECRET.test(name));
  if (names.length === 0) return;
  for (const name of names) {
    taken.set(name, Deno.env.get(name) ?? "");
    Deno.env.delete(name);
  }
  wipeInitialEnvironment((name) => SECRET.test(name));
}

/** A key that the environment had, once; undefined: it had none. */
export function takeSecret(name: string): string | undefined {
  hideSecrets();
  const secret = taken.get(name);
  taken.delete(name);
  return secret;
}
