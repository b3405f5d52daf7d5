/**
 * Where each of several workers listens.
 *
 * @module
 */
import { formatEndpointAddress, type ListenAddress } from "../../control/address.ts";

/** More would not be cores but a mistake. */
export const WORKERS_MAX = 64;
const PORT_MAX = 0xffff;

/** What the plan is made from. */
export interface WorkerPlanOptions {
  readonly listen: readonly ListenAddress[];
  readonly workers: number;
  /** The ports of all workers but the first; none: each one above the one before. */
  readonly ports: readonly number[];
}

/** What each worker listens on; or what is wrong. */
export type WorkerPlan =
  | { readonly ok: true; readonly listen: readonly (readonly ListenAddress[])[] }
  | { readonly ok: false; readonly message: string };

/** The addresses of the command line are the first worker's; the others have the same with other ports. */
export function planWorkers({ listen, workers, ports }: WorkerPlanOptions): WorkerPlan {
  if (ports.length > 0 && ports.length !== workers - 1) {
    const others = workers === 2 ? "1 port" : `${workers - 1} ports`;
    return refuse(`--reactor-port: --reactors ${workers} needs ${others}, not ${ports.length}`);
  }
  const planned: ListenAddress[][] = [];
  for (let worker = 0; worker < workers; worker++) {
    planned.push(listen.map((address) => ({
      ...address,
      port: worker === 0
        ? address.port
        : ports[worker - 1] ?? (address.port === 0 ? 0 : address.port + worker),
    })));
  }
  if (planned.flat().some(({ port }) => port > PORT_MAX)) {
    return refuse(`--reactors ${workers}: there are not so many ports above that of --listen`);
  }
  const clash = planned.flatMap((own, at) => {
    const others = planned.slice(at + 1).flat();
    return own.filter((one) => others.some((other) => overlap(one, other)));
  })[0];
  if (clash !== undefined) {
    return refuse(`two reactors would listen on ${formatListen(clash)}: give other ports`);
  }
  return { ok: true, listen: planned };
}

/** As the command line has it: what `parseListen` reads. */
export function formatListen({ address, port }: ListenAddress): string {
  return address === undefined ? `${port}/udp` : formatEndpointAddress({ host: address, port });
}

/** Whether both cannot be listened on; one that the system chooses is always another. */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  return one.port !== 0 && one.port === other.port && covers(one, other);
}

function covers(one: ListenAddress, other: ListenAddress): boolean {
  if (one.family === "any" || other.family === "any") return true;
  if (one.family !== other.family) return false;
  const isWild = ({ address }: ListenAddress) => address === "0.0.0.0" || address === "::";
  return isWild(one) || isWild(other) || one.address === other.address;
}

function refuse(message: string): WorkerPlan {
  return { ok: false, message };
}
