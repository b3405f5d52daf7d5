/** Other people's tunnels that carry Ethernet frames: tinc, n2n from 3 on, VpnCloud, OpenVPN. */
import { ensureOpenvpn, ensureTinc, ensureVpncloud } from "../../build/rivals.ts";
import { GATEWAY_ADAPTER, type Peer, type PeerProgram } from "./peer.ts";
import { type Place, SCENE, type Scene } from "./scene.ts";

const { relayAddress } = SCENE;
const ENDS: readonly Place[] = ["gateway", "client", "second"];
const EVERYBODY: readonly Place[] = ["relay", ...ENDS];

/** What all of these are alike in. */
const BRIDGING = {
  isRival: true,
  adapter: "tap0",
  gateway: "bridge",
  adaptersFirst: true,
} as const;

interface TincKind {
  readonly name: string;
  readonly about: string;
  readonly tincd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Lines for every host. */
  readonly host: string;
  /** Makes the keys of a folder. */
  readonly keys: (folder: string) => readonly (readonly string[])[];
}

function tincOf({ name, about, tincd, env, host, keys }: TincKind): Peer {
  const prepare = async (scene: Scene) => {
    for (const place of EVERYBODY) {
      const folder = `${scene.folder}/${place}`;
      await Deno.mkdir(`${folder}/hosts`, { recursive: true });
      const device = place === "relay"
        ? "DeviceType = dummy\n"
        : "Device = /dev/net/tun\nInterface = tap0\nConnectTo = relay\n";
      const common = `Name = ${place}\nMode = switch\nAddressFamily = ipv4\n`;
      await Deno.writeTextFile(`${folder}/tinc.conf`, common + device);
      const address = place === "relay" ? `Address = ${relayAddress}\n` : "";
      const file = `${folder}/hosts/${place}`;
      await Deno.writeTextFile(file, `${address}IndirectData = yes\n${host}`);
      for (const command of keys(folder)) await scene.at(place).run(command, { env });
    }
    for (const from of EVERYBODY) {
      for (const to of EVERYBODY.filter((place) => place !== from)) {
        const [own, copy] = [from, to].map((place) => `${scene.folder}/${place}/hosts/${from}`);
        await Deno.copyFile(own, copy);
      }
    }
  };
  const programs = ({ folder }: Scene) =>
    EVERYBODY.map((place) => ({
      place,
      command: [
        ...[tincd, "-c", `${folder}/${place}`, "-D", "-d2"],
        ...["--pidfile", `${folder}/${place}.pid`],
      ],
      env,
    }));
  return { ...BRIDGING, name, about, mtu: 1500, prepare, programs };
}

/** Debian's tinc. */
export async function tinc(): Promise<Peer> {
  const { paths: { tincd }, env, version } = await ensureTinc();
  return tincOf({
    name: "tinc",
    about: `tinc ${version} (Debian), AES-256-CBC with SHA-256`,
    tincd,
    env,
    host: "Cipher = aes-256-cbc\nDigest = sha256\n",
    keys: (folder) => [[tincd, "-c", folder, "-K2048"]],
  });
}

/** tinc 1.1, built by hand: `tinc/b/src` of a folder. */
export function tinc11(home: string): Promise<Peer> {
  const folder = `${home}/tinc/b/src`;
  return Promise.resolve(tincOf({
    name: "tinc11",
    about: "tinc 1.1, built by hand, ChaCha20-Poly1305 from end to end",
    tincd: `${folder}/tincd`,
    env: {},
    host: "",
    keys: (config) => [
      [`${folder}/tinc`, "-c", config, "generate-ed25519-keys"],
      [`${folder}/tinc`, "-c", config, "generate-rsa-keys", "2048"],
    ],
  }));
}

/** n2n's head, built by hand: `n2n` of a folder. */
export function n2nHead(home: string): Promise<Peer> {
  const edge = (place: Place, address: string, mac: string): PeerProgram => ({
    place,
    command: [
      ...[
        `${home}/n2n/edge`,
        "-f",
        "-c",
        "lan",
        "-k",
        "benchkey",
        "-A3",
        "-l",
        `${relayAddress}:7654`,
      ],
      ...["-d", "tap0", "-a", `static:${address}/24`, "-m", mac, "-S1", "-r", "-E"],
    ],
  });
  return Promise.resolve({
    ...BRIDGING,
    name: "n2n-head",
    about: "n2n 3, built by hand, AES, relayed by its supernode",
    mtu: 1290,
    programs: () => [
      { place: "relay", command: [`${home}/n2n/supernode`, "-f", "-p", "7654", "-M"] },
      edge("gateway", "10.78.0.2", "02:00:00:00:00:02"),
      edge("client", SCENE.clientAddress, "02:00:00:00:00:03"),
      edge("second", SCENE.secondAddress, "02:00:00:00:00:04"),
    ],
  });
}

/** VpnCloud does not pass on between its peers: the relay has an instance for each, and the kernel's bridge between. */
export async function vpncloud(): Promise<Peer> {
  const { paths, version } = await ensureVpncloud();
  const common = [
    ...[paths.vpncloud, "-t", "tap", "-m", "switch", "-p", "benchpassword"],
    ...["--no-port-forwarding", "--algorithm", "aes256"],
  ];
  const ports = new Map(ENDS.map((place, index) => [place, 3210 + index]));
  const programs = () =>
    [...ports].flatMap(([place, port]): PeerProgram[] => [
      {
        place: "relay",
        command: [...common, "-d", `t-${place}`, "-l", `${relayAddress}:${port}`],
      },
      {
        place,
        command: [...common, "-d", "tap0", "-l", "3210", "-c", `${relayAddress}:${port}`],
      },
    ]);
  return {
    ...BRIDGING,
    name: "vpncloud",
    about: `VpnCloud ${version}, AES-256-GCM; the relay has an instance for each end, and a bridge`,
    prepare: async (scene) => {
      const relay = scene.at("relay");
      // It ends without a default route: by it it asks the kernel for its own address.
      await relay.ip("route", "add", "default", "via", "10.200.1.2");
      await relay.bridge("br0");
      for (const place of ENDS) {
        await relay.ip("tuntap", "add", `t-${place}`, "mode", "tap");
        await relay.ip("link", "set", `t-${place}`, "master", "br0", "up");
      }
    },
    programs,
  };
}

/** Debian's OpenVPN, as bridge, in user space. Everybody has the same certificate. */
export async function openvpn(): Promise<Peer> {
  const { paths, env, version } = await ensureOpenvpn();
  const trust = ["--ca", "all.pem", "--cert", "all.pem", "--key", "all.key"];
  const common = [...trust, "--proto", "udp4", "--data-ciphers", "AES-256-GCM"];
  return {
    ...BRIDGING,
    name: "openvpn",
    about: `OpenVPN ${version} (Debian), AES-256-GCM`,
    mtu: 1500,
    prepare: async (scene) => {
      await scene.shell(
        "relay",
        `cd ${scene.folder}
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \\
          -keyout all.key -out all.pem -subj /CN=bench -days 30
        ip tuntap add taps mode tap
        ip link set taps up`,
      );
    },
    programs: () => [
      {
        place: "relay",
        command: [
          ...[paths.openvpn, "--mode", "server", "--tls-server", "--dev", "taps"],
          ...["--dev-type", "tap", "--local", relayAddress, "--port", "1194", "--dh", "none"],
          ...["--client-to-client", "--duplicate-cn", "--keepalive", "10", "60", ...common],
        ],
        env,
      },
      ...ENDS.map((place) => ({
        place,
        command: [
          ...[paths.openvpn, "--client", "--dev", GATEWAY_ADAPTER, "--nobind"],
          ...["--remote", relayAddress, "1194", ...common],
        ],
        env,
      })),
    ],
  };
}
