/** What Windows' own DHCP client is told, with functions of the test's in the place of Windows'. */
import { assertEquals } from "@std/assert";
import { loggerOf } from "../../../../src/log/logging.ts";
import type { LanVerdict } from "../../../../src/observe/lan_verdict.ts";
import { WindowsLease } from "../../../../src/programs/client/windows_lease.ts";

const FOREIGN = "10.8.0.6";
const OWN = "192.168.1.57";
const ELSEWHERE: LanVerdict = { kind: "elsewhere", address: FOREIGN, other: "192.168.1.9" };
const SILENT: LanVerdict = { kind: "silent", cause: "unanswered", waitedMs: 10_000 };

/** A Windows whose renewals end when the test says so. */
class FakeWindows {
  readonly asked: string[] = [];
  addresses: readonly string[] = [`${FOREIGN}/24`, "fe80::1/64"];
  readonly lease: WindowsLease;
  #ends: (() => void)[] = [];

  constructor() {
    const context = {
      adapter: { guid: "{11111111-2222-3333-4444-555555555555}", name: "LAN party" },
      changes: { switchDhcpOn: () => true },
      logger: loggerOf("client"),
      addresses: () => this.addresses,
    };
    this.lease = new WindowsLease(context, {
      readFixedAddresses: () => undefined,
      renewLease: (_guid, _index, isGivenUp) => {
        this.asked.push(isGivenUp ? "release, renew" : "renew");
        return new Promise((resolve) => this.#ends.push(resolve));
      },
    });
    this.lease.begin(7);
  }

  /** Ends the renewal that goes on. */
  async end(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("another network's address is given up after the renewal that Windows is at", async () => {
  const windows = new FakeWindows();
  windows.lease.handleVerdict(SILENT, 10_000);
  windows.lease.handleVerdict(ELSEWHERE, 11_000);
  assertEquals(windows.asked, ["renew"]);
  await windows.end();
  assertEquals(windows.asked, ["renew", "release, renew"]);
  await windows.end();
  assertEquals(windows.asked.length, 2);
});

Deno.test("an address that the LAN has given meanwhile is kept", async () => {
  const windows = new FakeWindows();
  windows.lease.handleVerdict(SILENT, 10_000);
  windows.lease.handleVerdict(ELSEWHERE, 11_000);
  windows.addresses = [`${OWN}/24`];
  await windows.end();
  assertEquals(windows.asked, ["renew"]);
});

Deno.test("who has no address asks once more when Windows has asked in vain", async () => {
  const windows = new FakeWindows();
  windows.addresses = ["169.254.7.7/16"];
  windows.lease.ask();
  windows.lease.ask();
  assertEquals(windows.asked, ["renew"]);
  await windows.end();
  assertEquals(windows.asked, ["renew", "renew"]);
  await windows.end();
  assertEquals(windows.asked.length, 2);
});

Deno.test("an address is given up once a minute at most", async () => {
  const windows = new FakeWindows();
  for (const nowMs of [10_000, 30_000, 69_999, 70_000]) {
    windows.lease.handleVerdict(ELSEWHERE, nowMs);
    await windows.end();
  }
  assertEquals(windows.asked, ["release, renew", "release, renew"]);
});
