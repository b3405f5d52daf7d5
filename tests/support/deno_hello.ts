/** What an endpoint of the second implementation says first, and the tokens that it keeps. */

/** What an endpoint says in its hello, but for what it always says. */
export interface HelloFields {
  readonly room: string;
  readonly mac?: string; // a gateway has none
  readonly datagramBudget?: number;
  readonly resume?: string;
  /** A client's key, and a gateway's, where the relay asks for one. */
  readonly roomKey?: string;
  readonly gatewayKey?: string;
  readonly name?: string;
  readonly agent?: string;
  readonly features?: readonly string[];
}

/** A hello with what it must have; without a MAC it is a gateway's. */
export function helloOf(fields: HelloFields): Record<string, unknown> {
  const { room, mac, datagramBudget = 1_400, ...rest } = fields;
  const role = mac === undefined ? "gateway" : "client";
  const own = mac === undefined ? {} : { mac };
  return { type: "hello", protocol: 1, role, room, ...own, datagramBudget, ...rest };
}

/** The last token by relay, room and MAC (section 7.4): who has left comes back with it. */
const TOKENS = new Map<string, string>();

function keyOf(
  { port }: { readonly port: number },
  { room, mac = "gateway" }: HelloFields,
): string {
  return `${port} ${room.toUpperCase()} ${mac.toLowerCase()}`;
}

/** A hello with the token of the same player's last session there, if it has none. */
export function withToken(relay: { readonly port: number }, fields: HelloFields): HelloFields {
  const resume = TOKENS.get(keyOf(relay, fields));
  return resume === undefined ? fields : { resume, ...fields };
}

/** Takes note of the token of a welcome. */
export function keepToken(
  relay: { readonly port: number },
  fields: HelloFields,
  token: string,
): void {
  TOKENS.set(keyOf(relay, fields), token);
}
