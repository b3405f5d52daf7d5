/**
 * Looks at a gateway's LAN interface once a second, and says what has become of it: `lan_health.ts` and
 * `bridge_trial.ts` decide.
 *
 * @module
 */
import { type BridgeSetting, BridgeTrial, type BridgeVerdict } from "../../gateway/bridge_trial.ts";
import { LanHealth, type LanLook } from "../../gateway/lan_health.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import { FrameWitness } from "../../link/frame_witness.ts";
import { interfaceNames } from "../../link/interface.ts";
import { reportLink } from "../../link/link_report.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { BridgedProtocol, LanState, LanTrouble } from "../../observe/lan_link.ts";
import { statusLine } from "../../observe/status.ts";
import { formatMac, MAC_BYTES } from "../../proto/mac.ts";
import { randomBytes } from "../common/random.ts";
import type { GatewayLan } from "./lan.ts";

/** Settings by which a kernel hands what crosses bridges to the firewall of IP, for all bridges and for one. */
const SETTINGS: readonly [BridgedProtocol, string, string][] = [
  ["IPv4", "bridge-nf-call-iptables", "nf_call_iptables"],
  ["IPv6", "bridge-nf-call-ip6tables", "nf_call_ip6tables"],
  ["ARP", "bridge-nf-call-arptables", "nf_call_arptables"],
];
/** Who sets them and drops what is forwarded, by an interface that it makes. */
const KNOWN_FOR_IT: readonly [RegExp, string][] = [
  [/^docker[0-9]/, "Docker"],
  [/^virbr[0-9]/, "libvirt"],
  [/^(cni|flannel|cali|kube)/, "Kubernetes"],
];

/** A port at a bridge, and what is tried by it. */
interface PortTrial {
  readonly lan: GatewayLan;
  readonly trial: BridgeTrial;
  witness: FrameWitness | undefined;
}

/** See the module. */
export class LanWatch {
  readonly #logger: Logger;
  readonly #health = new LanHealth();
  #port: PortTrial | undefined;
  #isUp = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How it was at the last look. */
  get state(): LanState {
    return this.#health.look?.state ?? "gone";
  }

  /** What keeps players, or some of their frames, out of the LAN now. */
  get troubles(): readonly LanTrouble[] {
    return this.#health.troubles;
  }

  /** Looks, and says what is news. The device has looked itself just before (`checkState`). */
  look(lan: GatewayLan, nowMs: number): void {
    const look = lookAt(lan);
    this.#health.handleLook(look);
    this.#followPort(lan, look.state === "up", nowMs);
    this.#tell();
  }

  /** When {@linkcode work} is to be called beside each look, ms. */
  nextDeadlineMs(): number {
    return this.#port?.trial.nextDeadlineMs() ?? Infinity;
  }

  /** Goes on with what is tried at a bridge. @param mayTry false: nothing new is begun */
  work(mayTry: boolean, nowMs: number): void {
    const port = this.#port;
    if (port === undefined || (!mayTry && port.witness === undefined)) return;
    const setting = settingOf(port.lan);
    const step = port.trial.take(setting, nowMs);
    if (step === "begin") this.#begin(port);
    else if (step === "judge") {
      const seen = port.witness?.take() ?? new Set();
      port.witness?.close();
      port.witness = undefined;
      const verdict = port.trial.handleSeen(seen, setting, nowMs);
      if (verdict !== undefined) this.#health.handleBridge(troublesOf(port.lan, verdict));
      this.#tell();
    }
  }

  close(): void {
    this.#port?.witness?.close();
    this.#port = undefined;
  }

  #tell(): void {
    for (const event of this.#health.drainEvents()) {
      const { level, text } = statusLine(event);
      logText(this.#logger, level, text, { event: event.type });
    }
  }

  #followPort(lan: GatewayLan, isUp: boolean, nowMs: number): void {
    if (this.#port?.lan !== lan) {
      this.close();
      const mac = lan.portMac;
      if (mac !== undefined) {
        const trial = new BridgeTrial(mac, randomBytes(MAC_BYTES));
        this.#port = { lan, trial, witness: undefined };
      }
      this.#isUp = false;
    }
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    this.#port?.trial.handlePort(isUp, nowMs);
  }

  #begin(port: PortTrial): void {
    port.witness?.close();
    port.witness = undefined;
    try {
      port.witness = new FrameWitness(port.trial.target);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      logText(this.#logger, "debug", `What crosses the bridge cannot be seen (${error.message})`);
      return port.trial.handlePort(false, 0);
    }
    for (const frame of port.trial.frames()) port.lan.send(frame, 0, frame.length);
  }
}

function lookAt(lan: GatewayLan): LanLook {
  const { name, index } = lan;
  const look = { name, index, mac: formatMac(lan.mac), mtu: lan.mtu };
  const report = lan.state === "gone" ? undefined : reportLink(index);
  if (report === undefined) {
    return { ...look, state: "gone", master: undefined, isPromiscuous: true };
  }
  const state = !report.isUp
    ? "off"
    : lan.blocked === true
    ? "blocked"
    : lan.state === "up"
    ? "up"
    : "no-carrier";
  // At a bridge it is the port that hears all.
  if (lan.portName !== undefined) {
    return { ...look, state, master: undefined, isPromiscuous: true };
  }
  const { masterIndex, promiscuity } = report;
  const master = masterIndex === 0 ? undefined : reportLink(masterIndex)?.name;
  return { ...look, state, master, isPromiscuous: promiscuity > 0 };
}

function settingOf({ name, portName }: GatewayLan): BridgeSetting {
  const hasVlans = readText(`/sys/class/net/${name}/bridge/vlan_filtering`) === "1";
  return {
    hasVlans,
    isSuspicious: hasVlans || readFirewallSettings(name).length > 0,
    hasOtherPorts: portsOf(name).some((port) => port !== portName && isForwarding(port)),
  };
}

/** A protocol that is handed to the firewall of IP at a bridge, and the setting for all bridges that says so. */
export interface BridgeFirewallSetting {
  readonly protocol: BridgedProtocol;
  readonly setting: string;
}

/**
 * What is handed to the firewall of IP at a bridge; all of it where settings are hidden, as systemd's `ProcSubset=pid` does.
 *
 * @param read for tests: a file's text; undefined: it is not there
 */
export function readFirewallSettings(
  bridge: string,
  read: (path: string) => string | undefined = readText,
): readonly BridgeFirewallSetting[] {
  const isHidden = read("/proc/sys/kernel/ostype") === undefined;
  const isOn = (path: string) => (read(path) ?? "0") !== "0";
  return SETTINGS.flatMap(([protocol, all, one]) => {
    const isHanded = isHidden || isOn(`/proc/sys/net/bridge/${all}`) ||
      isOn(`/sys/class/net/${bridge}/bridge/${one}`);
    return isHanded ? [{ protocol, setting: `net.bridge.${all}` }] : [];
  });
}

function troublesOf(
  { name, portName = "" }: GatewayLan,
  { isCut, dropped }: BridgeVerdict,
): readonly LanTrouble[] {
  if (isCut) return [{ kind: "vlan", port: portName }];
  if (dropped.length === 0) return [];
  const settings = readFirewallSettings(name).filter(({ protocol }) => dropped.includes(protocol))
    .map(({ setting }) => setting);
  const names = interfaceNames();
  const likely = settings.length === 0
    ? []
    : KNOWN_FOR_IT.flatMap(([pattern, who]) => names.some((one) => pattern.test(one)) ? [who] : []);
  return [{ kind: "firewall", protocols: dropped, settings, likely }];
}

function portsOf(bridge: string): string[] {
  try {
    return [...Deno.readDirSync(`/sys/class/net/${bridge}/brif`)].map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** `BR_STATE_FORWARDING`: it has a carrier, and spanning tree lets it. */
function isForwarding(port: string): boolean {
  return readText(`/sys/class/net/${port}/brport/state`) === "3";
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return undefined;
  }
}
