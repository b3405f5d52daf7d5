/**
 * `lanparty-client doctor`: how this PC and a running client are doing, for a friend to read.
 *
 * @module
 */
import { type EndpointAddress, parseEndpointAddress } from "../../control/address.ts";
import { describeClock, formatDiagnostics } from "../../observe/diagnostics.ts";
import { dropReport } from "../../observe/drop_findings.ts";
import { lanVerdictText } from "../../observe/lan_verdict.ts";
import { type Finding, type FindingGroup, formatReport } from "../../observe/report.ts";
import { ownStateFolder } from "../../system/files/mod.ts";
import { type FoundStatus, readClientStatus } from "./status.ts";
import { examineRelays } from "./doctor_relay.ts";
import { examineLinux } from "./doctor_linux.ts";
import { examineWindows } from "./doctor_windows.ts";

/** What the command line says. */
export interface DoctorOptions {
  readonly tapName: string | undefined;
  readonly stateDir: string | undefined;
  /** Ways to the relay; none: those of the client that runs. */
  readonly relays: readonly EndpointAddress[];
  /** Program and version. */
  readonly agent: string;
}

/** A status that is older is that of a client which hangs. */
const STATUS_AGE_MAX_MS = 30_000;
/** Loss that a player feels. */
const LOSS_MAX_RATIO = 0.02;
/** Drops are named, the most frequent first, up to this many. */
const DROPS_MAX = 6;

const ASK_INTERNET = "Is this PC on the internet, and UDP not blocked?";

/** The report. It changes nothing, needs no rights, and holds no key and no room's code. */
export async function runDoctor(options: DoctorOptions): Promise<string> {
  const status = readClientStatus(options.stateDir ?? ownStateFolder("client"));
  const examine = Deno.build.os === "windows" ? examineWindows : examineLinux;
  const name = status?.isRunning ? status.diagnostics.tap.name ?? options.tapName : options.tapName;
  return formatReport([
    {
      title: "Program",
      findings: [
        { what: "version", how: options.agent },
        { what: "system", how: `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}` },
        { what: "time", how: new Date().toISOString() },
      ],
    },
    clientGroup(status),
    ...await examineRelays(options.relays.length > 0 ? options.relays : waysOf(status)),
    ...examine(name, status?.isRunning ? status.diagnostics : undefined),
  ]);
}

/** Where the client that uses the state folder, or used it last, looks for its relay. */
function waysOf(status: FoundStatus | undefined): EndpointAddress[] {
  const { relay, ways } = status?.diagnostics ?? {};
  return (ways ?? [relay]).map((text) => parseEndpointAddress(text ?? ""))
    .filter((way) => way !== undefined);
}

/** What the client itself has last said; the room's code can be all that it takes to enter. */
function clientGroup(status: FoundStatus | undefined): FindingGroup {
  const title = "Client";
  if (status === undefined || !status.isRunning) {
    const how = status === undefined
      ? "none runs"
      : "none runs; the last one did not end by itself";
    const advice =
      "start lanparty-client, and the doctor again while it runs: more can be seen then";
    return { title, findings: [{ what: "running", how, advice }] };
  }
  const { diagnostics, traffic, lately, writtenMs } = status;
  const ageMs = Math.max(0, Date.now() - writtenMs);
  const lines = formatDiagnostics({ ...diagnostics, room: "(not shown)" }).map((line): Finding => {
    const at = line.indexOf(":");
    return { what: line.slice(0, at), how: line.slice(at + 1).trim() };
  });
  const drops = Object.entries(traffic.drops).sort(([, a], [, b]) => b - a).slice(0, DROPS_MAX)
    .map(([reason, count]) => `${reason} ${count}`);
  return {
    title,
    findings: [
      {
        what: "running",
        how: `yes; this is ${Math.round(ageMs / 1000)} s old`,
        ...(ageMs > STATUS_AGE_MAX_MS ? { advice: "it does not answer: start it again" } : {}),
      },
      ...lines.map((finding) => ({ ...finding, ...adviceFor(finding.what, status) })),
      { what: "frames", how: `${traffic.framesSent} sent, ${traffic.framesReceived} received` },
      { what: "dropped", how: drops.length === 0 ? "none" : `${drops.join(", ")} since the start` },
      ...dropReport("client", traffic, lately),
    ],
  };
}

function adviceFor(what: string, { diagnostics }: FoundStatus): { advice?: string } {
  const { relayReachable, relayTrouble, lossRatio = 0, clockSkewMs, verdict } = diagnostics;
  switch (what) {
    case "LAN": {
      const { advice } = lanVerdictText(verdict);
      return advice === undefined ? {} : { advice };
    }
    case "relay":
      if (!relayReachable) return { advice: relayTrouble?.advice ?? ASK_INTERNET };
      return lossRatio > LOSS_MAX_RATIO
        ? { advice: "packets get lost: a cable in the place of Wi-Fi helps most" }
        : {};
    case "clock":
      return clockSkewMs !== undefined && describeClock(clockSkewMs).isProblem
        ? { advice: "set this PC's clock: certificates are refused when it is wrong" }
        : {};
    default:
      return {};
  }
}
