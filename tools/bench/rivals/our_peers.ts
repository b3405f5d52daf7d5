/** Ours, and the floor: builds of this project, and the smallest tunnel of the same shape. */
import { compileBenchProgram } from "../../build/rivals.ts";
import { PROGRAMS } from "../../build/executables.ts";
import { BuildError, exists } from "../../build/cache.ts";
import { issueLeaf, makeAuthority } from "../../lab/certificates.ts";
import type { Peer } from "./peer.ts";
import { SCENE, type Scene } from "./scene.ts";

const PORT = 4433;
const ROOM = "PARTY";
const RAWTUN_PORT = "4100";

async function makeCertificate({ folder }: Scene): Promise<void> {
  const authority = await makeAuthority();
  const leaf = await issueLeaf(authority, { names: [SCENE.relayAddress] });
  await Deno.writeTextFile(`${folder}/ca.pem`, authority.certificatePem);
  await Deno.writeTextFile(`${folder}/relay.pem`, leaf.certificatePem);
  await Deno.writeTextFile(`${folder}/relay.key`, leaf.keyPem, { mode: 0o600 });
}

/** The three executables of a folder. */
export async function ourPeer(name: string, folder: string, about: string): Promise<Peer> {
  const path = (program: typeof PROGRAMS[number]) => `${folder}/lanparty-${program}`;
  for (const program of PROGRAMS) {
    if (!await exists(path(program))) {
      throw new BuildError(`--also ${name}=${folder}: there is no lanparty-${program} in it`);
    }
  }
  return {
    name,
    about,
    isRival: false,
    adapter: "tap0",
    gateway: "own",
    adaptersFirst: false,
    prepare: makeCertificate,
    programs: ({ folder: files }) => {
      const relay = `${SCENE.relayAddress}:${PORT}`;
      const join = ["--relay", relay, "--relay-ca-cert", `${files}/ca.pem`, "--room", ROOM];
      const client = (place: "client" | "second", address: string) => ({
        place,
        command: [
          ...[path("client"), ...join, "--tap", "tap0", "--state-dir", `${files}/${place}`],
          ...["--address", `${address}/${SCENE.prefix}`],
        ],
      });
      return [
        {
          place: "relay",
          command: [
            ...[path("relay"), "--listen", relay, "--policy", "open"],
            ...["--cert", `${files}/relay.pem`, "--key", `${files}/relay.key`],
            ...["--state-dir", `${files}/relay`],
          ],
        },
        {
          place: "gateway",
          command: [
            ...[path("gateway"), ...join, "--interface", SCENE.lanPort],
            ...["--state-dir", `${files}/gateway`],
          ],
        },
        client("client", SCENE.clientAddress),
        client("second", SCENE.secondAddress),
      ];
    },
  };
}

/** The floor. It knows two ends only, and so no second player. */
export async function rawtun(): Promise<Peer> {
  const program = await compileBenchProgram("rawtun");
  return {
    name: "rawtun",
    about: "no encryption, one system call a frame: the floor of this shape",
    isRival: false,
    adapter: "tap0",
    mtu: 1420,
    gateway: "own",
    adaptersFirst: true,
    // It cannot cut what the kernel has left to the card.
    prepare: async (scene) => {
      await scene.at("lan").offloads("lan0", false);
      await scene.at("gateway").offloads(SCENE.lanPort, false);
    },
    programs: () => [
      { place: "relay", command: [program, "relay", RAWTUN_PORT] },
      {
        place: "gateway",
        command: [program, "packet", SCENE.lanPort, SCENE.relayAddress, RAWTUN_PORT],
      },
      { place: "client", command: [program, "tap", "tap0", SCENE.relayAddress, RAWTUN_PORT] },
    ],
  };
}
