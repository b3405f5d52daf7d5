/**
 * Half-open handshakes and silent connections, from a process of their own, so that they take no time from
 * who watches.
 *
 * usage: deno run --unstable-net relay_attack_program.ts JSON — an {@link AttackPlan}. Says "ready", waits
 * for a line, attacks, says "done", and holds its connections until its input ends.
 */
import { DenoEndpoint, type RelayAddress } from "./deno_endpoint.ts";
import { halfOpenInitial } from "./half_open.ts";

/** What is to be done, all at once. */
export interface AttackPlan {
  readonly relay: RelayAddress;
  readonly halfOpen: number;
  readonly silent: number;
}

const CONNECTING_MAX = 20;

async function connectSilent({ relay, silent }: AttackPlan): Promise<number> {
  const socket = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  const held: DenoEndpoint[] = [];
  const connect = async () => {
    held.push(await DenoEndpoint.connect(relay, { socket, closesOnLastMessage: false }));
  };
  for (let count = 0; count < silent; count += CONNECTING_MAX) {
    const group = Math.min(CONNECTING_MAX, silent - count);
    await Promise.all(Array.from({ length: group }, connect));
  }
  return held.filter(({ ending }) => ending === undefined).length;
}

async function sendHalfOpen(packets: readonly Uint8Array[], relay: RelayAddress): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (const packet of packets) {
    await socket.send(packet, { transport: "udp", hostname: relay.host, port: relay.port });
  }
}

if (import.meta.main) {
  const plan = JSON.parse(Deno.args[0]) as AttackPlan;
  const packets = Array.from({ length: plan.halfOpen }, halfOpenInitial);
  console.log("ready");
  const input = Deno.stdin.readable.getReader();
  await input.read();
  const [silent] = await Promise.all([connectSilent(plan), sendHalfOpen(packets, plan.relay)]);
  console.log(`done: ${silent} silent`);
  while (!(await input.read()).done);
  Deno.exit(0);
}
