import { assert, assertEquals } from "@std/assert";
import {
  type DhcpClientKind,
  type DhcpTask,
  findDhcpClient,
  isDhclientConfined,
  parseDhcpLine,
  planDhcp,
} from "../../src/os/dhcp_clients.ts";

function search(files: string[], applet = true) {
  return { isFile: (path: string) => files.includes(path), succeeds: () => applet };
}

Deno.test("of several DHCP clients the one that does least besides is taken", () => {
  const all = ["/sbin/dhclient", "/usr/sbin/dhcpcd", "/usr/bin/busybox", "/sbin/udhcpc"];
  assertEquals(findDhcpClient(search(all)), { kind: "udhcpc", path: "/sbin/udhcpc" });
  assertEquals(findDhcpClient(search(all.slice(0, 3)))?.kind, "dhcpcd");
  assertEquals(findDhcpClient(search([all[0], all[2]]))?.kind, "dhclient");
  assertEquals(findDhcpClient(search([all[2]])), { kind: "busybox", path: "/usr/bin/busybox" });
  assertEquals(findDhcpClient(search([all[2]], false)), undefined);
  assertEquals(findDhcpClient(search([])), undefined);
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

function plan(kind: DhcpClientKind, task: Partial<DhcpTask> = {}) {
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

Deno.test("every client is confined to its interface, our script and an address", () => {
  for (const kind of ["udhcpc", "busybox", "dhcpcd", "dhclient"] as const) {
    const { command, files, reports } = plan(kind);
    assert(command.includes("lan0"), kind);
    const script = files.find(({ path }) => path.endsWith("-script"))!;
    assert(command.includes(script.path), kind);
    assertEquals(script.mode, 0o700);
    assert(files.every(({ path }) => path.startsWith("/f/")), kind);
    assert(reports);
  }
  assert(plan("dhcpcd").command.includes("-G"));
  assert(
    plan("dhclient").files.some(({ text }) =>
      text.includes("request subnet-mask, broadcast-address;") && text.includes('host-name "box"')
    ),
  );
});

Deno.test("a client that may do everything is left its own script", () => {
  for (const kind of ["udhcpc", "busybox", "dhcpcd", "dhclient"] as const) {
    const { command, files, reports, setsNoAddress } = plan(kind, { everything: true });
    assert(!files.some(({ path }) => path.endsWith("-script")), kind);
    assert(!command.some((word) => word.endsWith("-script")), kind);
    assertEquals([reports, setsNoAddress], [false, false]);
  }
  assert(
    !plan("dhclient", { everything: true }).files.some(({ text }) => text.includes("request")),
  );
});

Deno.test("a confined dhclient keeps to the files that AppArmor gives it", () => {
  const { command, files, reports, release } = plan("dhclient", { systemScript: true });
  const allowed = /^\/run\/dhclient[^/]*(\.pid|\.lease[^/]*)$/;
  for (const option of ["-cf", "-lf", "-pf"]) {
    const path = command[command.indexOf(option) + 1];
    assert(allowed.test(path), path);
    assert((release as readonly string[]).includes(path));
  }
  assert(files.every(({ path }) => allowed.test(path)));
  assert(!command.includes("-sf"));
  assertEquals(reports, false);
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
