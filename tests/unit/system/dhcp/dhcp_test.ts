import { assert, assertEquals } from "@std/assert";
import {
  findDhcpClient,
  isDhclientConfined,
  planDhcp,
} from "../../../../src/system/dhcp/clients.ts";
import type {
  DhcpClientKind,
  DhcpProgramPlan,
  DhcpServicePlan,
  DhcpTask,
} from "../../../../src/system/dhcp/plan.ts";
import { parseDhcpLine } from "../../../../src/system/dhcp/programs.ts";

function search(files: string[], applet = true) {
  return { isFile: (path: string) => files.includes(path), succeeds: () => applet };
}

Deno.test("of several DHCP clients the one that does least besides is taken", () => {
  const all = [
    ...["/usr/bin/networkctl", "/run/systemd/netif/state", "/usr/bin/nmcli", "/usr/bin/busybox"],
    ...["/sbin/dhclient", "/usr/sbin/dhcpcd", "/sbin/udhcpc"],
  ];
  const found: string[] = [];
  while (true) {
    const client = findDhcpClient(search(all));
    if (client === undefined) break;
    found.push(`${client.kind} ${client.path}`);
    all.splice(all.indexOf(client.path), 1);
  }
  assertEquals(found, [
    "udhcpc /sbin/udhcpc",
    "dhcpcd /usr/sbin/dhcpcd",
    "dhclient /sbin/dhclient",
    "busybox /usr/bin/busybox",
    "NetworkManager /usr/bin/nmcli",
    "networkd /usr/bin/networkctl",
  ]);
});

Deno.test("a DHCP client that would not work is passed over", () => {
  // A busybox without the applet, and a NetworkManager that does not run.
  assertEquals(findDhcpClient(search(["/usr/bin/busybox", "/usr/bin/nmcli"], false)), undefined);
  assertEquals(findDhcpClient(search(["/usr/bin/networkctl"])), undefined);
  for (const pidFile of ["/run/dhcpcd/pid", "/run/dhcpcd.pid"]) {
    assertEquals(findDhcpClient(search(["/usr/sbin/dhcpcd", pidFile])), undefined);
  }
});

Deno.test("a dhclient is confined if AppArmor enforces its profile", () => {
  const profiles = "/usr/bin/man (enforce)\n/{,usr/}sbin/dhclient (enforce)\n";
  assert(isDhclientConfined(() => profiles));
  assert(!isDhclientConfined(() => profiles.replace("dhclient (enforce)", "dhclient (complain)")));
  assert(
    !isDhclientConfined(() => {
      throw new Deno.errors.NotFound();
    }),
  );
});

function planOf(kind: DhcpClientKind, task: Partial<DhcpTask>) {
  return planDhcp({
    client: { kind, path: `/sbin/${kind}` },
    interface: "lan0",
    folder: "/f",
    hostName: "box",
    everything: false,
    systemScript: false,
    ...task,
  });
}

function plan(kind: DhcpClientKind, task: Partial<DhcpTask> = {}): DhcpProgramPlan {
  const made = planOf(kind, task);
  assert(made.type === "program");
  return made;
}

function planService(kind: DhcpClientKind, task: Partial<DhcpTask> = {}): DhcpServicePlan {
  const made = planOf(kind, task);
  assert(made.type === "service");
  return made;
}

const KINDS = ["udhcpc", "busybox", "dhcpcd", "dhclient"] as const;

Deno.test("every client is confined to its interface, our script and an address", () => {
  for (const kind of KINDS) {
    const { command, files, weSetAddresses } = plan(kind);
    assert(command.includes("lan0"), kind);
    const script = files.find(({ path }) => path.endsWith("-script"))!;
    assert(command.includes(script.path), kind);
    assertEquals(script.mode, 0o700);
    // What a dhcpcd remembers of the adapter it puts elsewhere: that is only taken away.
    const written = files.filter(({ text }) => text !== undefined);
    const left = files.map(({ path }) => path).filter((path) => !path.startsWith("/f/"));
    assert(written.every(({ path }) => path.startsWith("/f/")), kind);
    assertEquals(left, kind === "dhcpcd" ? ["/var/lib/dhcpcd/lan0.lease"] : [], kind);
    assertEquals(weSetAddresses, kind !== "dhcpcd");
  }
  assert(plan("dhcpcd").command.includes("-G"));
  assert(
    plan("dhclient").files.some(({ text }) =>
      text?.includes("request subnet-mask, broadcast-address;") && text.includes('host-name "box"')
    ),
  );
});

Deno.test("a client that may do everything is left its own script", () => {
  for (const kind of KINDS) {
    const { command, files, weSetAddresses } = plan(kind, { everything: true });
    assert(!files.some(({ path }) => path.endsWith("-script")), kind);
    assert(!command.some((word) => word.endsWith("-script")), kind);
    assertEquals(weSetAddresses, false);
  }
  assert(
    !plan("dhclient", { everything: true }).files.some(({ text }) => text?.includes("request")),
  );
});

Deno.test("NetworkManager is asked for an address only, or for everything", () => {
  const words = (everything: boolean) =>
    planService("NetworkManager", { everything }).start.flat().join(" ");
  for (
    const restraint of ["ipv4.never-default yes", "ipv4.ignore-auto-dns yes", "ignore-auto-routes"]
  ) {
    assert(words(false).includes(restraint), restraint);
    assert(!words(true).includes(restraint), restraint);
  }
  // What is added is kept in memory only, for this interface only, and deleted at the end.
  const { start, clean, stop } = planService("NetworkManager");
  assert(start[1].join(" ").includes("save no") && start[1].join(" ").includes("ifname lan0"));
  assertEquals(stop, [["/sbin/NetworkManager", "connection", "delete", "id", "lanparty-lan0"]]);
  assertEquals(clean, stop);
});

Deno.test("networkd is given a file that lasts no longer than the system runs", () => {
  const { files: [file] } = planService("networkd");
  assertEquals(file.path, "/run/systemd/network/10-lanparty-lan0.network");
  for (const line of ["Name=lan0", "DHCP=ipv4", "UseRoutes=no", "UseGateway=no", "UseDNS=no"]) {
    assert(file.text?.split("\n").includes(line), line);
  }
  const [everything] = planService("networkd", { everything: true }).files;
  assert(everything.text?.includes("UseGateway=yes") && everything.text.includes("UseMTU=no"));
});

Deno.test("a confined dhclient keeps to the files that AppArmor gives it", () => {
  const { command, files, weSetAddresses, release } = plan("dhclient", { systemScript: true });
  const allowed = /^\/run\/dhclient[^/]*(\.pid|\.lease[^/]*)$/;
  for (const option of ["-cf", "-lf", "-pf"]) {
    const path = command[command.indexOf(option) + 1];
    assert(allowed.test(path), path);
    assert((release as readonly string[]).includes(path));
  }
  assert(files.every(({ path }) => allowed.test(path)));
  assert(!command.includes("-sf"));
  assertEquals(weSetAddresses, false);
});

Deno.test("the script's lines are read as leases and losses", () => {
  const lease = (line: string) => {
    const report = parseDhcpLine(line);
    return report?.type === "lease"
      ? [report.address, report.server, report.leaseSeconds]
      : report?.type;
  };
  const line = (event: string, ip = "", mask = "", server = "", seconds = "") =>
    `lanparty-dhcp ${event} ip=${ip} mask=${mask} server=${server} seconds=${seconds}`;
  assertEquals(lease(line("bound", "10.0.0.5", "24", "10.0.0.1", "3600")), [
    "10.0.0.5/24",
    "10.0.0.1",
    3600,
  ]);
  assertEquals(lease(line("BOUND", "10.0.0.5", "255.255.254.0")), [
    "10.0.0.5/23",
    undefined,
    undefined,
  ]);
  assertEquals(lease(line("RENEW", "10.0.0.5", "255.255.255.255")), [
    "10.0.0.5/32",
    undefined,
    undefined,
  ]);
  for (const event of ["deconfig", "nak", "EXPIRE", "FAIL"]) {
    assertEquals(lease(line(event)), "lost");
  }
  for (const event of ["PREINIT", "CARRIER", "leasefail", "TIMEOUT"]) {
    assertEquals(lease(line(event, "10.0.0.5", "24")), undefined, event);
  }
  assertEquals(lease("udhcpc: lease of 10.0.0.5 obtained"), undefined);
});

Deno.test("a lease without a usable address or mask is none", () => {
  for (const [ip, mask] of [["", "24"], ["10.0.0.5", ""], ["10.0.0.5", "33"], ["10.0.0.5", "0"]]) {
    assertEquals(
      parseDhcpLine(`lanparty-dhcp bound ip=${ip} mask=${mask} server= seconds=`),
      undefined,
    );
  }
  assertEquals(
    parseDhcpLine("lanparty-dhcp BOUND ip=10.0.0.5 mask=255.0.255.0 server= seconds="),
    undefined,
  );
});
