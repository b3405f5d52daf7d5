/** Tunnels that cannot carry other people's Ethernet frames: the gateway routes in front of them. */
import { ensureN2n, ensureWireguard } from "../../build/rivals.ts";
import { type Peer, type PeerProgram, routeAtGateway } from "./peer.ts";
import { type Place, SCENE, type Scene } from "./scene.ts";

const { relayAddress, clientAddress, secondAddress, lanAddress } = SCENE;
const TUNNEL_PORT = 51820;
const WIREGUARD_ENDS: readonly Place[] = ["relay", "gateway", "client"];

/** Debian's n2n: it takes frames of its own adapter's MAC only. */
export async function n2n(): Promise<Peer> {
  const { paths, version } = await ensureN2n();
  const edge = (place: Place, address: string, mac: string): PeerProgram => ({
    place,
    command: [
      ...[paths.edge, "-c", "lan", "-k", "benchkey", "-l", `${relayAddress}:7654`],
      ...["-d", "tap0", "-a", address, "-m", mac, "-r"],
    ],
  });
  return {
    name: "n2n",
    about: `n2n ${version} (Debian), Twofish; the gateway routes`,
    isRival: true,
    adapter: "tap0",
    gateway: "own",
    adaptersFirst: false,
    programs: () => [
      { place: "relay", command: [paths.supernode, "-l", "7654"] },
      edge("gateway", "10.78.0.1", "02:00:00:00:00:02"),
      edge("client", clientAddress, "02:00:00:00:00:03"),
      edge("second", secondAddress, "02:00:00:00:00:04"),
    ],
    configure: async (scene, places) => {
      if (!places.includes("gateway")) return;
      await scene.untilInterface("gateway", "tap0");
      await scene.shell("gateway", routeAtGateway("tap0", [clientAddress, secondAddress]));
    },
  };
}

/** wireguard-go on all three, Layer 3: the relay decrypts, routes and encrypts. It has no second player here. */
export async function wireguardGo(): Promise<Peer> {
  const { paths: { wireguard, wg }, version } = await ensureWireguard();
  const adapterOf = (place: Place) => `wg-${place}`;
  const keyOf = ({ folder }: Scene, place: Place) => `${folder}/${place}.wg`;
  const peerLines = (scene: Scene, place: Place, allowed: string) =>
    `peer $(cat ${keyOf(scene, place)}.pub) allowed-ips ${allowed}`;
  const settings = (scene: Scene, place: Place) => {
    const set = `${wg} set ${adapterOf(place)} private-key ${keyOf(scene, place)} ` +
      `listen-port ${TUNNEL_PORT}`;
    const up = `ip link set ${adapterOf(place)} up`;
    if (place === "relay") {
      return `${set} ${peerLines(scene, "gateway", `${lanAddress}/32`)} ` +
        `${peerLines(scene, "client", `${clientAddress}/32`)}\n${up}
        sysctl -qw net.ipv4.conf.${adapterOf(place)}.forwarding=1
        ip route replace 10.77.0.0/24 dev ${adapterOf(place)}`;
    }
    const end = `${set} ${peerLines(scene, "relay", "10.77.0.0/24")} ` +
      `endpoint ${relayAddress}:${TUNNEL_PORT} persistent-keepalive 5\n${up}`;
    if (place !== "gateway") return end;
    return `${end}\n${routeAtGateway(adapterOf(place), [clientAddress])}`;
  };
  return {
    name: "wireguard-go",
    about: `wireguard-go ${version}, Layer 3, ChaCha20-Poly1305; the relay decrypts and encrypts`,
    isRival: false,
    adapter: adapterOf("client"),
    gateway: "own",
    adaptersFirst: false,
    prepare: async (scene) => {
      for (const place of WIREGUARD_ENDS) {
        const key = keyOf(scene, place);
        await scene.shell(
          place,
          `umask 077\n${wg} genkey > ${key}\n${wg} pubkey < ${key} > ${key}.pub`,
        );
      }
    },
    programs: () =>
      WIREGUARD_ENDS.map((place) => ({ place, command: [wireguard, "-f", adapterOf(place)] })),
    configure: async (scene, places) => {
      for (const place of WIREGUARD_ENDS.filter((one) => places.includes(one))) {
        await scene.untilInterface(place, adapterOf(place));
        // The adapter is there a moment before wireguard-go takes orders.
        const order = `for i in $(seq 100); do ${wg} show ${
          adapterOf(place)
        } > /dev/null 2>&1 && break; sleep 0.02; done`;
        await scene.shell(place, `${order}\n${settings(scene, place)}`);
      }
    },
  };
}
