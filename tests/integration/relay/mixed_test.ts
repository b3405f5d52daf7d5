/**
 * The second implementation and our own client in one room. The client's TAP is real: what answers
 * behind it is the kernel.
 *
 * ```
 *   namespace "mixed"
 *  ┌───────────────────────────────────────────────────────────────┐
 *  │ kernel ── tap0 ── lanparty-client ══╗                         │
 *  │ 10.66.0.2, 02:…:51                  ╠══ lanparty-relay on lo  │
 *  │              Deno's QUIC (a socket) ╝                         │
 *  └────────────────────────│──────────────────────────────────────┘
 *                      this test: a gateway, and a client 10.66.0.3
 * ```
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint, type HelloFields } from "../../support/deno_endpoint.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import {
  arp,
  BROADCAST_MAC,
  ethernet,
  icmpEcho,
  ipv4,
  macAt,
  pattern,
} from "../../../tools/lab/frames.ts";
import { type LabProcess, type Namespace, NetworkLab } from "../../../tools/lab/netns.ts";
import { RelayProcess } from "../../support/relay_process.ts";

const CLIENT_MAC = "02:00:00:00:00:51";
const CLIENT_IP = "10.66.0.2";
const LAN_MAC = "00:11:22:33:44:55";
const LAN_IP = "10.66.0.1";
const OTHER_MAC = "02:00:00:00:00:0a";
const OTHER_IP = "10.66.0.3";
const ARP = 0x0806;
const IPV4 = 0x0800;

/** A relay, our client, and a way for Deno's sockets into their namespace. */
class MixedParty implements AsyncDisposable {
  readonly #lab: NetworkLab;
  readonly #namespace: Namespace;
  readonly #folder: string;

  private constructor(
    lab: NetworkLab,
    namespace: Namespace,
    readonly relay: RelayProcess,
    folder: string,
  ) {
    this.#lab = lab;
    this.#namespace = namespace;
    this.#folder = folder;
  }

  static async open(): Promise<MixedParty> {
    const lab = await NetworkLab.open();
    const namespace = await lab.namespace("mixed");
    const prefix = ["ip", "netns", "exec", namespace.fullName];
    const relay = await RelayProcess.start({ prefix });
    const folder = await Deno.makeTempDir({ prefix: "lanparty-mixed-" });
    return new MixedParty(lab, namespace, relay, folder);
  }

  startClient(...options: string[]): LabProcess {
    const { host, port, serverName } = this.relay.address;
    return this.#namespace.spawn([
      executablePath("client"),
      ...["--relay", `${host}:${port}`, "--server-name", serverName],
      ...["--relay-ca-cert", this.relay.caFile, "--room", "MIXED", "--name", "ours"],
      ...["--virtual-mac", CLIENT_MAC, "--tap-name", "tap0", "--address", `${CLIENT_IP}/24`],
      ...["--state-dir", this.#folder],
      ...options,
    ]);
  }

  async join(hello: Omit<HelloFields, "room">): Promise<GuestEndpoint> {
    const open = () => new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
    const socket = inNamespace(this.#namespace, open);
    const endpoint = await DenoEndpoint.connect(this.relay.address, { socket });
    await endpoint.join({ room: "MIXED", ...hello });
    return new GuestEndpoint(endpoint, socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.#lab[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** An endpoint with the socket that was made for it. */
class GuestEndpoint implements AsyncDisposable {
  readonly #socket: Deno.QuicEndpoint;

  constructor(readonly endpoint: DenoEndpoint, socket: Deno.QuicEndpoint) {
    this.#socket = socket;
  }

  /** The next frame of a type; what else the kernel says (MLD, router solicitations) is passed over. */
  async frameOf(type: number) {
    for (;;) {
      const received = await this.endpoint.frame();
      const { frame } = received;
      if ((frame[12] << 8 | frame[13]) === type) return received;
    }
  }

  /** Asks by ARP who has an address; the answer. What others ask, or tell all, is passed over. */
  async ask(senderMac: string, senderIp: string, targetIp: string) {
    await this.endpoint.sendFrame(ethernet({
      destination: BROADCAST_MAC,
      source: senderMac,
      type: ARP,
      payload: arp({ operation: "request", senderMac, senderIp, targetIp }),
    }));
    for (;;) {
      const received = await this.frameOf(ARP);
      if (macAt(received.frame, 0) === senderMac) return received;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
    this.#socket.close();
  }
}

/** An ICMP echo to our client in one frame, of as many bytes as asked for. */
function echo(payloadBytes: number): Uint8Array {
  const payload = icmpEcho({ id: 7, sequence: payloadBytes, payload: pattern(payloadBytes) });
  const packet = ipv4({ source: LAN_IP, destination: CLIENT_IP, protocol: 1, payload });
  return ethernet({ destination: CLIENT_MAC, source: LAN_MAC, type: IPV4, payload: packet });
}

/** The ICMP bytes of an answer, from one IPv4 fragment or more in their order. */
async function answerBytes(guest: GuestEndpoint): Promise<Uint8Array> {
  const parts: number[] = [];
  for (let more = true; more;) {
    const { frame } = await guest.frameOf(IPV4);
    assertEquals([macAt(frame, 0), macAt(frame, 6)], [LAN_MAC, CLIENT_MAC]);
    const totalBytes = frame[16] << 8 | frame[17];
    const flags = frame[20] << 8 | frame[21];
    assertEquals((flags & 0x1fff) * 8, parts.length, "fragments in their order");
    parts.push(...frame.subarray(14 + 20, 14 + totalBytes));
    more = (flags & 0x2000) !== 0;
  }
  return Uint8Array.from(parts);
}

Deno.test("our client and an endpoint on Deno's QUIC carry frames for each other", async () => {
  await using party = await MixedParty.open();
  await using gateway = await party.join({ name: "the hall" });
  const client = party.startClient();
  const joined = await gateway.endpoint.message(15_000);
  const { peerId } = joined;
  assertEquals(joined, {
    type: "peerJoined",
    peerId,
    role: "client",
    name: "ours",
    mac: CLIENT_MAC,
  });
  await client.waitForLine(/tap0/);

  const reply = await gateway.ask(LAN_MAC, LAN_IP, CLIENT_IP);
  assertEquals([reply.sourcePeerId, macAt(reply.frame, 22)], [peerId, CLIENT_MAC]);
  for (const payloadBytes of [0, 1, 56, 1_000, 1_300, 1_472]) {
    await gateway.endpoint.sendFrame(echo(payloadBytes));
    const answer = await answerBytes(gateway);
    assertEquals(answer[0], 0, "an echo reply");
    assertEquals(answer.subarray(8), pattern(payloadBytes), `${payloadBytes} bytes`);
  }

  await using other = await party.join({ mac: OTHER_MAC });
  const direct = await other.ask(OTHER_MAC, OTHER_IP, CLIENT_IP);
  assertEquals([direct.sourcePeerId, macAt(direct.frame, 0)], [peerId, OTHER_MAC]);
  assertEquals(other.endpoint.tapMtu, gateway.endpoint.tapMtu);
  assertEquals(gateway.endpoint.malformed, []);

  client.kill("SIGTERM");
  assertEquals(await client.waitExit(), 0);
  await gateway.endpoint.messageOf("peerLeft");
  const left = gateway.endpoint.messages.filter(({ type }) => type === "peerLeft");
  assertEquals(left.map((message) => [message["peerId"], message["reason"]]), [[peerId, "bye"]]);
});

Deno.test("our client with a narrow budget is sent nothing longer, and loses nothing", async () => {
  await using party = await MixedParty.open();
  await using gateway = await party.join({});
  const client = party.startClient("--datagram-budget", "700");
  await gateway.endpoint.message(15_000);
  await client.waitForLine(/tap0/);
  await gateway.ask(LAN_MAC, LAN_IP, CLIENT_IP);
  gateway.endpoint.takeDatagrams();
  await gateway.endpoint.sendFrame(echo(1_200));
  assertEquals((await answerBytes(gateway)).subarray(8), pattern(1_200));
  const datagrams = gateway.endpoint.takeDatagrams().filter((bytes) => bytes.length > 600);
  assertGreater(datagrams.length, 0);
  assert(datagrams.every((bytes) => bytes.length <= 700), "nor does it send anything longer");
  await client.stop();
});
