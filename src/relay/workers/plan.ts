/** Where each of several reactors listens. */
import { formatEndpointAddress, type ListenAddress } from "../../control/address.ts";

/** More would not be cores but a mistake. */
export const REACTORS_MAX = 64;
const PORT_MAX = 0xffff;

/** What the plan is made from. */
export interface ReactorPlanOptions {
  readonly listen: readonly ListenAddress[];
  readonly reactors: number;
  /** The ports of all reactors but the first; none: each one above the one before. */
  readonly ports: readonly number[];
}

/** What each reactor listens on; or what is wrong. */
export type ReactorPlan =
  | { readonly ok: true; readonly listen: readonly (readonly ListenAddress[])[] }
  | { readonly ok: false; readonly message: string };

/** The addresses of the command line are the first reactor's; the others have the same with other ports. */
export function planReactors({ listen, reactors, ports }: ReactorPlanOptions): ReactorPlan {
  if (ports.length > 0 && ports.length !== reactors - 1) {
    const others = reactors === 2 ? "1 port" : `${reactors - 1} ports`;
    return refuse(`--reactor-port: --reactors ${reactors} needs ${others}, not ${ports.length}`);
  }
  const planned: ListenAddress[][] = [];
  for (let reactor = 0; reactor < reactors; reactor++) {
    planned.push(listen.map((address) => ({
      ...address,
      port: reactor === 0
        ? address.port
        : ports[reactor - 1] ?? (address.port === 0 ? 0 : address.port + reactor),
    })));
  }
  if (planned.flat().some(({ port }) => port > PORT_MAX)) {
    return refuse(`--reactors ${reactors}: there are not so many ports above that of --listen`);
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

function refuse(message: string): ReactorPlan {
  return { ok: false, message };
}
