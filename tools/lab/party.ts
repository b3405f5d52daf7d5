/**
 * A whole LAN party on one machine, played by the three compiled executables:
 *
 * ```
 *   lan             gateway              relay                player
 *  ┌────────┐      ┌──────────────┐     ┌──────────────┐     ┌──────────────┐
 *  │  eth0 ─┼──────┼─ lan0        │     │              │     │    lanparty0 │
 *  │ .77.1  │ veth │        wan0 ─┼─────┼─ gw0   pl0 ──┼─────┼─ wan0        │
 *  │ dnsmasq│      │       .91.2  │veth │ .91.1  .92.1 │veth │ .92.2        │
 *  └────────┘      └──────────────┘     └──────────────┘     └──────────────┘
 *                    lanparty-gateway     lanparty-relay       lanparty-client
 * ```
 *
 * The relay's namespace does not forward IP: only the tunnel joins the LAN and the player.
 */
import { executablePath } from "../build/executables.ts";
import { type LabProcess, type Namespace, NetworkLab } from "./netns.ts";

/** Addresses and names that everybody uses. */
export const PARTY = {
  room: "LANPARTY",
  lanAddress: "10.77.0.1",
  lanPrefix: 24,
  lanInterface: "eth0",
  gatewayInterface: "lan0",
  relayAddressForGateway: "10.91.0.1",
  relayAddressForPlayer: "10.92.0.1",
  playerWanAddress: "10.92.0.2",
  relayPort: 443,
  tap: "lanparty0",
  resolvConf: "nameserver 192.0.2.53\n",
} as const;

/** How long a program may take to say that it is ready. */
const READY_TIMEOUT_MS = 20_000;

/** The namespaces, links and programs of one party. */
export class Party implements AsyncDisposable {
  relayProcess: LabProcess | undefined;
  gatewayProcess: LabProcess | undefined;
  /** Clients by their namespace's name. */
  readonly clients = new Map<string, LabProcess>();
  /** Number of each player's network: 10.NUMBER.0.0/24. */
  readonly #networks = new Map<string, number>();
  #closed = false;

  private constructor(
    readonly lab: NetworkLab,
    readonly lan: Namespace,
    readonly gateway: Namespace,
    readonly relay: Namespace,
  ) {}

  /** Makes the namespaces and links of LAN, gateway and relay; starts nothing, and leaves nothing if it fails. */
  static async open(): Promise<Party> {
    const lab = await NetworkLab.open();
    try {
      const lan = await lab.namespace("lan");
      const gateway = await lab.namespace("gateway");
      const relay = await lab.namespace("relay", { forwarding: false });
      const party = new Party(lab, lan, gateway, relay);
      await party.#makeKeys();
      await party.#makeLinks();
      return party;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  async #makeKeys(): Promise<void> {
    const keys = await new Deno.Command(executablePath("gateway"), { args: ["new-key"] }).output();
    Deno.writeFileSync(this.keyFile, keys.stdout, { mode: 0o600 });
  }

  async #makeLinks(): Promise<void> {
    const { lab, lan, gateway, relay } = this;
    await lab.veth(
      {
        namespace: lan,
        name: PARTY.lanInterface,
        addresses: [`${PARTY.lanAddress}/${PARTY.lanPrefix}`],
      },
      { namespace: gateway, name: PARTY.gatewayInterface },
    );
    await lab.veth(
      { namespace: gateway, name: "wan0", addresses: ["10.91.0.2/24"] },
      { namespace: relay, name: "gw0", addresses: [`${PARTY.relayAddressForGateway}/24`] },
    );
  }

  /** Adds a player's namespace with a way to the relay, and a default route of its own. */
  async addPlayer(name: string): Promise<Namespace> {
    const number = this.#networks.size;
    const net = 92 + number;
    this.#networks.set(name, net);
    const namespace = await this.lab.namespace(name, { resolvConf: PARTY.resolvConf });
    await this.lab.veth(
      { namespace, name: "wan0", addresses: [`10.${net}.0.2/24`] },
      { namespace: this.relay, name: `pl${number}`, addresses: [`10.${net}.0.1/24`] },
    );
    await namespace.ip("route", "add", "default", "via", `10.${net}.0.1`);
    return namespace;
  }

  /** A folder for state, certificates and captures; removed with the party. */
  get folder(): string {
    return this.lab.folder;
  }

  /** The certificate that relays write and endpoints pin. */
  get certificateFile(): string {
    return `${this.folder}/relay.der`;
  }

  /** The file of the party's keys, as `new-key` has printed them. */
  get keyFile(): string {
    return `${this.folder}/party.key`;
  }

  /** The room's key, as messages have it: in print it has a prefix and a check character. */
  get roomKey(): string {
    return /^room-key\s+room_(\S{22})\S$/m.exec(Deno.readTextFileSync(this.keyFile))![1];
  }

  /** A state folder of one program. */
  stateDir(program: string): string {
    return `${this.folder}/${program}`;
  }

  /** The file of a program's frame log, to be given with `--frame-log`. */
  frameLogFile(program: string): string {
    return `${this.folder}/${program}.frames`;
  }

  /** The command of a relay: `options` take the place of what the party would choose. */
  relayCommand(...options: string[]): string[] {
    return [
      executablePath("relay"),
      ...withDefault(options, "--listen", `${PARTY.relayPort}/udp`),
      ...withDefault(options, "--state-dir", this.stateDir("relay")),
      ...withDefault(options, "--dev-cert-der-out", this.certificateFile),
      ...options,
    ];
  }

  /** Starts a relay and waits until it listens. */
  async startRelay(...options: string[]): Promise<LabProcess> {
    const process = this.relay.spawn(this.relayCommand(...options));
    this.relayProcess = process;
    await process.waitForLine(/Listening/, READY_TIMEOUT_MS);
    return process;
  }

  /** The command of a gateway: `options` take the place of what the party would choose. */
  gatewayCommand(...options: string[]): string[] {
    return [
      executablePath("gateway"),
      ...withDefault(options, "--relay", `${PARTY.relayAddressForGateway}:${PARTY.relayPort}`),
      ...withDefault(options, "--state-dir", this.stateDir("gateway")),
      ...withDefault(options, "--interface", PARTY.gatewayInterface),
      ...withDefault(options, "--gateway-key-file", this.keyFile),
      ...withDefault(options, "--room", PARTY.room),
      ...withTrust(options, this.certificateFile),
    ];
  }

  /** Starts a gateway and waits until it has joined the room. */
  async startGateway(...options: string[]): Promise<LabProcess> {
    const process = this.gateway.spawn(this.gatewayCommand(...options));
    this.gatewayProcess = process;
    await process.waitForLine(/Joined the room/, READY_TIMEOUT_MS);
    return process;
  }

  /** What the host asks of the gateway (`lanparty-gateway ctl`): exit code and everything it wrote. */
  askGateway(...words: string[]): Promise<[number, string]> {
    return this.#ask("gateway", words);
  }

  /** What the relay's operator asks of it (`lanparty-relay ctl`): the same. */
  askRelay(...words: string[]): Promise<[number, string]> {
    return this.#ask("relay", words);
  }

  async #ask(program: "gateway" | "relay", words: string[]): Promise<[number, string]> {
    const { code, stdout, stderr } = await new Deno.Command(executablePath(program), {
      args: ["ctl", ...words, "--state-dir", this.stateDir(program)],
    }).output();
    return [code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)];
  }

  /** The relay's address as a player sees it. */
  relayAddressFor(player: Namespace): string {
    return `10.${this.#networks.get(player.name)}.0.1`;
  }

  /** The command of a client in a player's namespace: `options` take the place of the party's. */
  clientCommand(player: Namespace, ...options: string[]): string[] {
    return [
      executablePath("client"),
      ...withDefault(options, "--relay", `${this.relayAddressFor(player)}:${PARTY.relayPort}`),
      ...withDefault(options, "--state-dir", this.stateDir(`client-${player.name}`)),
      ...withDefault(options, "--name", player.name),
      ...withDefault(options, "--room-key-file", this.keyFile),
      ...withDefault(options, "--room", PARTY.room),
      ...withTrust(options, this.certificateFile),
    ];
  }

  /** Starts a client and waits until its adapter is up. */
  async startClient(player: Namespace, ...options: string[]): Promise<LabProcess> {
    const process = player.spawn(this.clientCommand(player, ...options));
    this.clients.set(player.name, process);
    await process.waitForLine(/adapter .* is up/, READY_TIMEOUT_MS);
    return process;
  }

  /** What all programs have said so far, for a test that failed. */
  output(): string {
    const programs: [string, LabProcess | undefined][] = [
      ["relay", this.relayProcess],
      ["gateway", this.gatewayProcess],
      ...this.clients,
    ];
    return programs.map(([name, process]) => `--- ${name}\n${process?.stderr ?? ""}`).join("\n");
  }

  /**
   * Starts a DHCP server on the LAN, which names itself as router, name server and whatever else would
   * take over a PC's ways, whether it is asked or not.
   */
  async startDhcpServer(
    range = "10.77.0.100,10.77.0.199,255.255.255.0,1h",
    ...options: string[]
  ): Promise<LabProcess> {
    const process = this.lan.spawn([
      "dnsmasq",
      ...["--keep-in-foreground", "--log-facility=-", "--port=0", "--conf-file=/dev/null"],
      ...["--bind-interfaces", `--interface=${PARTY.lanInterface}`, "--log-dhcp"],
      // Its own place for the number of its process is one for all, where two that start at once collide.
      ...[`--pid-file=${this.folder}/dnsmasq.pid`],
      ...[`--dhcp-leasefile=${this.folder}/leases`, "--dhcp-authoritative"],
      `--dhcp-range=${range}`,
      ...[`--dhcp-option-force=option:router,${PARTY.lanAddress}`],
      ...[`--dhcp-option-force=option:dns-server,${PARTY.lanAddress}`],
      // It says the way to everywhere once more: with it the router counts for nothing (RFC 3442).
      ...["--dhcp-option-force=121,198.51.100.0/24,10.77.0.1,0.0.0.0/0,10.77.0.1"],
      ...["--dhcp-option-force=33,198.51.100.1,10.77.0.1"],
      ...["--dhcp-option-force=249,198.51.100.0/24,10.77.0.1"],
      ...["--dhcp-option-force=252,http://10.77.0.1/wpad.dat"],
      ...options,
    ]);
    await process.waitForLine(/DHCP, IP range/, READY_TIMEOUT_MS);
    return process;
  }

  /** Waits until a player's adapter has an IPv4 address of the LAN; without its prefix length. */
  async lanAddressOf(player: Namespace, timeoutMs = READY_TIMEOUT_MS): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const addresses = await player.addressesOf(PARTY.tap);
      const found = addresses.find((address) => address.startsWith("10.77.0."));
      if (found !== undefined) return found.split("/")[0];
      if (performance.now() > deadline) {
        throw new Error(`${player.name} has no address of the LAN after ${timeoutMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends everything and removes every trace. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const running = [...this.clients.values(), this.gatewayProcess, this.relayProcess];
    for (const process of running) await process?.stop();
    await this.lab.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function withDefault(options: readonly string[], name: string, value: string): string[] {
  return options.includes(name) ? [] : [name, value];
}

/** The options as they are, with the relay's certificate pinned unless they say whom to trust. */
function withTrust(options: readonly string[], certificateFile: string): string[] {
  const trusts = options.some((option) => /^--relay-(ca-cert|fingerprint)$/.test(option));
  const system = options.includes("--trust-system");
  return [
    ...(trusts || system ? [] : ["--relay-ca-cert", certificateFile]),
    ...options.filter((option) => option !== "--trust-system"),
  ];
}
