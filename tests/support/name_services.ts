/**
 * Name services of real hosts, each with sockets, files and a bus of its own: mDNS by Avahi, NetBIOS by
 * Samba. Nothing outside the namespace and the folder is touched.
 */
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";

const READY_TIMEOUT_MS = 20_000;

/** What a program gets as its host's name service. */
export interface NameHost {
  readonly namespace: Namespace;
  /** The interface that it speaks on, alone. */
  readonly interface: string;
  readonly name: string;
}

/** A bus that every program of the test may use as it likes. */
function busConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;
}

/** An Avahi daemon and the commands that talk to it. */
export class AvahiHost {
  readonly #host: NameHost;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    host: NameHost,
    env: Readonly<Record<string, string>>,
  ) {
    this.#host = host;
    this.#env = env;
  }

  /** Starts a daemon that answers for `NAME.local`. */
  static async start(host: NameHost, folder: string): Promise<AvahiHost> {
    Deno.mkdirSync(folder, { recursive: true });
    const socket = `${folder}/bus`;
    Deno.writeTextFileSync(`${folder}/bus.conf`, busConfig(socket));
    const bus = host.namespace.spawn([
      ...["dbus-daemon", `--config-file=${folder}/bus.conf`, "--nofork", "--nopidfile"],
      "--print-address",
    ]);
    await bus.waitForLine(/unix:path=/, READY_TIMEOUT_MS);
    Deno.writeTextFileSync(
      `${folder}/avahi.conf`,
      [
        ...["[server]", `host-name=${host.name}`, `allow-interfaces=${host.interface}`],
        ...["use-ipv4=yes", "use-ipv6=yes", "[wide-area]", "enable-wide-area=no"],
        // One who asks over IPv4 gets an IPv4 address, whichever record comes first.
        ...["[publish]", "publish-workstation=no", "publish-aaaa-on-ipv4=no", "[rlimits]", ""],
      ].join("\n"),
    );
    const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` };
    // Its folder for the process id is fixed: each daemon gets a /run of its own.
    const script = "mount -t tmpfs none /run && mkdir /run/avahi-daemon && " +
      'exec avahi-daemon --no-drop-root --no-rlimits --no-chroot --file="$1"';
    const command = ["unshare", "--mount", "sh", "-c", script, "sh", `${folder}/avahi.conf`];
    const daemon = host.namespace.spawn(command, { env });
    await daemon.waitForLine(/Server startup complete/, READY_TIMEOUT_MS);
    return new AvahiHost(host, env);
  }

  /** Announces a service until the lab ends. */
  async publish(name: string, type: string, port: number): Promise<LabProcess> {
    const process = this.#host.namespace.spawn(
      ["avahi-publish", "-s", name, type, `${port}`],
      { env: this.#env },
    );
    await process.waitForLine(/Established/, READY_TIMEOUT_MS);
    return process;
  }

  /** Browses for a type of services until one has been resolved to an IPv4 address. */
  async browse(name: string, type: string): Promise<{ address: string; port: number }> {
    const command = ["avahi-browse", "--parsable", "--resolve", type];
    const process = this.#host.namespace.spawn(command, { env: this.#env });
    try {
      // =;interface;protocol;name;type;domain;host;address;port;text
      const line = new RegExp(`^=;[^;]*;IPv4;${name};${type};local;[^;]*;([0-9.]+);(\\d+);`);
      const [, address, port] = await process.waitForLine(line, READY_TIMEOUT_MS);
      return { address, port: Number(port) };
    } finally {
      await process.stop();
    }
  }

  /** Asks for the IPv4 address of a host. */
  async resolve(name: string): Promise<string> {
    const command = ["avahi-resolve", "-4", "--name", name];
    const { stdout } = await this.#host.namespace.run(command, { env: this.#env });
    return stdout.trim().split(/\s+/)[1];
  }
}

/** A NetBIOS name server (Samba's `nmbd`) and the lookups of its host. */
export class NetbiosHost {
  readonly #host: NameHost;
  readonly #config: string;

  private constructor(host: NameHost, config: string) {
    this.#host = host;
    this.#config = config;
  }

  /** Starts a server that defends its host's name. */
  static async start(host: NameHost, folder: string): Promise<NetbiosHost> {
    const config = NetbiosHost.#configure(host, folder);
    const process = host.namespace.spawn([
      ...["nmbd", "--foreground", "--no-process-group", "--debug-stdout", "--debuglevel=1"],
      `--configfile=${config}`,
    ]);
    await process.waitForLine(/started|starting/i, READY_TIMEOUT_MS);
    return new NetbiosHost(host, config);
  }

  /** A host that only asks. */
  static client(host: NameHost, folder: string): NetbiosHost {
    return new NetbiosHost(host, NetbiosHost.#configure(host, folder));
  }

  static #configure(host: NameHost, folder: string): string {
    Deno.mkdirSync(folder, { recursive: true });
    const file = `${folder}/smb.conf`;
    const folders = ["private dir", "lock directory", "state directory", "cache directory"];
    Deno.writeTextFileSync(
      file,
      [
        ...["[global]", "workgroup = PARTY", `netbios name = ${host.name}`],
        ...[`interfaces = ${host.interface}`, "bind interfaces only = yes"],
        ...["local master = no", "disable netbios = no", "log level = 1"],
        ...[...folders, "pid directory", "ncalrpc dir"].map((name) => `${name} = ${folder}`),
        "",
      ].join("\n"),
    );
    return file;
  }

  /** Asks all of a network for a name; the address, or `undefined` if nobody answers. */
  async lookUp(name: string, broadcastAddress: string): Promise<string | undefined> {
    const { stdout } = await this.#host.namespace.run(
      ["nmblookup", `--configfile=${this.#config}`, "-B", broadcastAddress, name],
      { anyCode: true },
    );
    return new RegExp(`^([0-9.]+) ${name}<00>`, "m").exec(stdout)?.[1];
  }
}
