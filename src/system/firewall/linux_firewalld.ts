/**
 * firewalld, by its own program (firewall-cmd(1), firewalld.richlanguage(5)): until it is loaded anew, and no longer.
 *
 * It judges by zones. The adapter goes into one that nobody uses and that lets nothing in, and that zone is given what the
 * LAN may reach; what it had before is what it has afterwards.
 *
 * @module
 */
import { ask, type LanAccess, type Steps, UnknownRules } from "./linux_steps.ts";

/** What was done with it, to be undone. */
export interface FirewalldChange {
  readonly zone: string;
  readonly rules: readonly string[];
}

/** Zones of every firewalld, the strictest first: those that let nothing in, and those that let little in. */
const ZONES = ["block", "drop", "dmz", "work", "internal", "home"] as const;
/** What {@linkcode rulesFor} makes. */
const RULE =
  /^rule (family="ipv[46]" source address="[0-9A-Fa-f:.]{2,45}\/\d{1,3}" port port="[0-9-]{1,11}" protocol="(tcp|udp)"|protocol value="(icmp|ipv6-icmp)") accept$/;

/** Whether it runs. */
export function* isFirewalldRunning(): Steps<boolean | UnknownRules> {
  const { success, silence, message } = yield* ask("firewall-cmd", "--state");
  return silence === "stuck" ? new UnknownRules(message) : success;
}

/** A zone that can be the adapter's alone; undefined: there is none. */
export function* freeZone(): Steps<string | undefined> {
  const known = yield* ask("firewall-cmd", "--get-zones");
  const active = yield* ask("firewall-cmd", "--get-active-zones");
  const standard = yield* ask("firewall-cmd", "--get-default-zone");
  if (![known, active, standard].every(({ success }) => success)) return undefined;
  const names = new Set(known.output.trim().split(/\s+/));
  // A zone's name begins a line, behind which there may be `(default)`; what is in it is indented.
  const used = active.output.split("\n").map((line) => /^\S+/.exec(line)?.[0]);
  return ZONES.find((zone) =>
    names.has(zone) && !used.includes(zone) && standard.output.trim() !== zone
  );
}

/** What the zone is to let in. ICMP is as open as in the zones of most systems: IPv6 does not work without. */
export function rulesFor({ networks, ports }: LanAccess): string[] {
  const rules = networks.flatMap((network) => {
    const source = `rule family="ipv${network.includes(":") ? 6 : 4}" source address="${network}"`;
    return (["tcp", "udp"] as const).flatMap((protocol) =>
      ports[protocol].map((range) => `${source} port port="${range}" protocol="${protocol}" accept`)
    );
  });
  return [
    ...rules,
    'rule protocol value="icmp" accept',
    'rule protocol value="ipv6-icmp" accept',
  ];
}

/** Lets the LAN in. Ends with what went wrong. */
export function* openZone(
  { zone, rules }: FirewalldChange,
  interfaceName: string,
): Steps<string | undefined> {
  const given = yield* ask(
    ...["firewall-cmd", `--zone=${zone}`],
    ...rules.map((rule) => `--add-rich-rule=${rule}`),
  );
  if (!given.success) return given.message;
  const { success, message } = yield* ask(
    ...["firewall-cmd", `--zone=${zone}`, `--change-interface=${interfaceName}`],
  );
  return success ? undefined : message;
}

/** Takes that back; what is not there is taken back already. Ends with what went wrong. */
export function* closeZone(
  { zone, rules }: FirewalldChange,
  interfaceName: string,
): Steps<string | undefined> {
  const isRunning = yield* isFirewalldRunning();
  if (isRunning instanceof UnknownRules) return isRunning.why;
  if (!isRunning) return undefined;
  const words = ["firewall-cmd", `--zone=${zone}`];
  yield* ask(...words, `--remove-interface=${interfaceName}`);
  const { success, message } = yield* ask(
    ...words,
    ...rules.map((rule) => `--remove-rich-rule=${rule}`),
  );
  return success || /NOT_ENABLED/.test(message) ? undefined : message;
}

/** What a journal says of it, if that can have been written by a client. */
export function asFirewalldChange(zone: unknown, rules: unknown): FirewalldChange | undefined {
  const isOurs = ZONES.some((name) => name === zone) && Array.isArray(rules) &&
    rules.every((rule) => typeof rule === "string" && RULE.test(rule));
  return isOurs ? { zone: zone as string, rules } : undefined;
}
