/**
 * What a gateway serves over HTTP: `/api/gateway`, `/metrics`, `/healthz`.
 *
 * @module
 */
import { DROP_DESCRIPTIONS } from "../observe/drops.ts";
import { countByWeight, healthText } from "../observe/host_findings.ts";
import type { GatewayView, PlayerSight } from "./gateway_view.ts";
import { type Answer, LivePages, type ViewSource } from "./live_pages.ts";
import { Exposition, METRICS_TYPE, type Sample } from "./metrics.ts";

const SIGHTS: readonly PlayerSight[] = ["unknown", "good", "no-address", "nothing"];
const TEXT_TYPE = "text/plain; charset=utf-8";

const LIVE: Readonly<Record<string, (view: GatewayView) => Answer>> = {
  "/api/gateway": (view) => ({ type: "application/json", body: `${JSON.stringify(view)}\n` }),
  "/metrics": (view) => ({ type: METRICS_TYPE, body: formatGatewayMetrics(view) }),
  "/healthz": (view) => {
    const health = healthText(view.findings);
    return { type: TEXT_TYPE, body: `${health}\n`, status: health === "ok" ? 200 : 503 };
  },
};

const FIXED: Readonly<Record<string, Answer>> = {
  "/": {
    type: TEXT_TYPE,
    body: "A lanparty gateway: /api/gateway (JSON), /metrics (Prometheus), /healthz.\n",
  },
};

/** Answers requests about one gateway. */
export class GatewayPages extends LivePages<GatewayView> {
  constructor(source: ViewSource<GatewayView>) {
    super(source, { live: LIVE, fixed: FIXED });
  }
}

/** A gateway's metrics in the text format of Prometheus. Players are counted, not named. */
export function formatGatewayMetrics(view: GatewayView): string {
  const out = new Exposition();
  const only = (value: number): Sample[] => [[{}, value]];
  const { traffic, lan } = view;
  out.gauge("lanparty_build_info", "The program's version.", [[{ version: view.version }, 1]]);
  out.gauge("lanparty_uptime_seconds", "Time since the start.", only(view.uptimeMs / 1_000));
  out.gauge("lanparty_joined", "1 while a room is joined.", only(Number(view.joined)));
  out.gauge(
    "lanparty_forwarding",
    "1 unless frames are held back since the LAN is reached twice.",
    only(Number(view.joined && view.loop === undefined)),
  );
  writePlayers(out, view);
  out.gauge(
    "lanparty_rtt_seconds",
    "Round trip time to the relay; 0 while unknown.",
    only(view.rttMs / 1_000),
  );
  out.gauge("lanparty_queued_bytes", "Bytes that wait for the relay.", only(view.queuedBytes));
  const both = (sent: number, received: number): Sample[] => [
    [{ direction: "to-room" }, sent],
    [{ direction: "to-lan" }, received],
  ];
  out.counter(
    "lanparty_frames_total",
    "Frames through the tunnel.",
    both(traffic.framesSent, traffic.framesReceived),
  );
  out.counter(
    "lanparty_frame_bytes_total",
    "Bytes of these frames, without headers of the tunnel.",
    both(traffic.bytesSent, traffic.bytesReceived),
  );
  out.counter(
    "lanparty_datagrams_total",
    "Datagrams through the tunnel.",
    both(traffic.datagramsSent, traffic.datagramsReceived),
  );
  const drops: Readonly<Record<string, number>> = traffic.drops;
  out.counter(
    "lanparty_drops_total",
    "Frames and datagrams that were dropped, by reason.",
    DROP_DESCRIPTIONS
      .filter(({ reason, side }) => side !== "relay" && side !== "client" || reason in drops)
      .map(({ reason }) => [{ reason }, drops[reason] ?? 0]),
  );
  out.counter("lanparty_cam_refreshes_total", "CAM refreshes made.", only(view.camRefreshes));
  out.gauge("lanparty_lan_up", "1 while the LAN's interface is up.", [
    [{ interface: lan.name }, Number(lan.state === "up")],
  ]);
  out.counter(
    "lanparty_lan_kernel_drops_total",
    "Frames of the LAN that the kernel dropped because they were not read fast enough.",
    only(lan.counters["kernelDrops"] ?? 0),
  );
  return out.toString();
}

function writePlayers(out: Exposition, view: GatewayView): void {
  const only = (value: number): Sample[] => [[{}, value]];
  out.gauge("lanparty_players", "Players in the room.", only(view.players.length));
  out.gauge(
    "lanparty_players_not_served",
    "Players that are left out since a station of the LAN has their MAC, too.",
    only(view.players.filter(({ served }) => !served).length),
  );
  out.gauge(
    "lanparty_players_by_sight",
    "Players by what they see of the LAN, as they say themselves.",
    SIGHTS.map((sees) => [{ sees }, view.players.filter((player) => player.sees === sees).length]),
  );
  out.gauge(
    "lanparty_findings",
    "What is found that keeps players out of the LAN, or disturbs them; /api/gateway has it.",
    Object.entries(countByWeight(view.findings)).map(([weight, count]) => [{ weight }, count]),
  );
  out.gauge(
    "lanparty_dhcp_servers",
    "Players whose answers as DHCP servers the relay drops.",
    only(view.players.filter(({ dhcpServer }) => dhcpServer).length),
  );
}
