/**
 * A relay of several reactors, seen from outside: which of them has a room, and endpoints that follow
 * its redirects.
 */
import { executablePath } from "../../tools/build/executables.ts";
import { ownerOfRoom } from "../../src/relay/workers/directory.ts";
import { sha256 } from "../../src/trust/sha256.ts";
import { DenoEndpoint, type HelloFields, type RelayAddress } from "./deno_endpoint.ts";
import { keepToken, withToken } from "./deno_hello.ts";
import type { RelayProcess } from "./relay_process.ts";

/** Rooms are looked for among so many. */
const NAMES_MAX = 1_000;

/** A room of an open relay that lives in this reactor; another for each `number`. */
export function roomOf(reactor: number, reactors: number, number = 0): string {
  const found: string[] = [];
  for (let i = 0; i < NAMES_MAX; i++) {
    if (ownerOfRoom(`ROOM-${i}`, reactors, sha256) === reactor) found.push(`ROOM-${i}`);
  }
  return found[number];
}

/** An endpoint in its room, and how often it was sent on. */
export interface Arrived extends AsyncDisposable {
  readonly endpoint: DenoEndpoint;
  readonly redirects: readonly Readonly<Record<string, unknown>>[];
  /** Where it is. */
  readonly address: RelayAddress;
}

/** Joins a room, beginning at this address and going where the relay sends. */
export async function arrive(start: RelayAddress, fields: HelloFields): Promise<Arrived> {
  const redirects: Record<string, unknown>[] = [];
  for (let address = start;;) {
    const endpoint = await DenoEndpoint.connect(address);
    const answer = await endpoint.hello(withToken(start, fields));
    if (answer.type === "welcome") {
      endpoint.peerId = Number(answer["peerId"]);
      keepToken(start, fields, String(answer["resume"]));
      return {
        endpoint,
        redirects,
        address,
        [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
      };
    }
    await endpoint[Symbol.asyncDispose]();
    if (answer.type !== "redirect" || redirects.length > 3) {
      throw new Error(`no welcome but ${JSON.stringify(answer)}`);
    }
    redirects.push(answer);
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(String(answer["relay"]))!;
    address = { ...address, host, port: Number(port) };
  }
}

/** The process ids of a relay's reactors, by their numbers. */
export function reactorPids(supervisor: number): Map<number, number> {
  const found = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) !== supervisor || state === "Z") continue;
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (words[1] === "reactor") found.set(Number(words[2]), Number(name));
    } catch {
      // It has ended in this moment.
    }
  }
  return found;
}

/** Whether a process is there, and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Runs `lanparty-relay ctl` for a relay: exit code and everything it wrote. */
export async function ctl(relay: RelayProcess, words: string): Promise<[number, string]> {
  const stateDir = relay.caFile.replace(/ca\.pem$/, "state");
  const { code, stdout, stderr } = await new Deno.Command(executablePath("relay"), {
    args: ["ctl", ...words.split(" "), "--state-dir", stateDir],
  }).output();
  return [code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)];
}
