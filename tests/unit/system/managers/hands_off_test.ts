/** Programs that manage all networks are told to leave the adapter alone, and all of it is taken back. */
import { assertEquals, assertThrows } from "@std/assert";
import { ChangeJournal, ForeignChangeError } from "../../../../src/system/journal/journal.ts";
import {
  findManagers,
  HandsOff,
  MANAGER_FILE_CHANGE,
  undoManagerFile,
} from "../../../../src/system/managers/hands_off.ts";

const NM_FILE = "/run/NetworkManager/conf.d/90-lanparty-lanparty0.conf";
const NETWORKD_FILE = "/run/systemd/network/00-lanparty-lanparty0.network";

interface Bench {
  readonly root: string;
  readonly ran: string[];
  readonly journal: ChangeJournal;
  readonly handsOff: HandsOff;
}

/** @param there files of the system that say which managers run */
async function bench(
  there: readonly string[],
  work: (bench: Bench) => Promise<void>,
  success = true,
  name = "lanparty0",
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const path of there) {
      await Deno.mkdir(`${root}${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, "");
    }
    const ran: string[] = [];
    const journal = ChangeJournal.open(`${root}/journal`, { [MANAGER_FILE_CHANGE]: () => {} });
    const handsOff = new HandsOff(name, journal, (command) => {
      ran.push(command.join(" "));
      return Promise.resolve({ success, message: success ? "" : "it says no" });
    }, root);
    await work({ root, ran, journal, handsOff });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const exists = (path: string) => {
  try {
    return Deno.lstatSync(path).isFile;
  } catch {
    return false;
  }
};

Deno.test("where nobody manages the networks, nothing is done", async () => {
  await bench([], async ({ root, ran, journal, handsOff }) => {
    assertEquals(findManagers(root), []);
    assertEquals([await handsOff.begin(), await handsOff.adapterMade()], [[], []]);
    await handsOff.end();
    assertEquals([ran, journal.changes.length], [[], 0]);
  });
});

Deno.test("NetworkManager and networkd get a file each, which goes with the adapter", async () => {
  const there = ["/run/NetworkManager/x", "/run/systemd/netif/state"];
  await bench(there, async ({ root, ran, journal, handsOff }) => {
    assertEquals(findManagers(root), ["NetworkManager", "systemd-networkd"]);
    assertEquals(await handsOff.begin(), []);
    assertEquals(ran.splice(0), ["nmcli general reload conf", "networkctl reload"]);
    const text = Deno.readTextFileSync(root + NM_FILE);
    assertEquals(text.includes("unmanaged-devices+=interface-name:=lanparty0\n"), true);
    assertEquals(
      Deno.readTextFileSync(root + NETWORKD_FILE),
      "[Match]\nName=lanparty0\n\n[Link]\nUnmanaged=yes\n",
    );
    assertEquals(Deno.statSync(root + NETWORKD_FILE).mode! & 0o777, 0o644);
    assertEquals(journal.changes.map(({ data }) => data), [NM_FILE, NETWORKD_FILE]);
    assertEquals(await handsOff.adapterMade(), []);
    await handsOff.end();
    assertEquals([exists(root + NM_FILE), exists(root + NETWORKD_FILE)], [false, false]);
    assertEquals(ran, ["nmcli general reload conf", "networkctl reload"]);
    assertEquals(journal.changes.length, 0);
  });
});

Deno.test("what stands in a file's place is replaced, never written through", async () => {
  await bench(["/run/systemd/netif/state"], async ({ root, handsOff }) => {
    await Deno.mkdir(`${root}/run/systemd/network`, { recursive: true });
    await Deno.writeTextFile(`${root}/victim`, "mine");
    await Deno.symlink(`${root}/victim`, root + NETWORKD_FILE);
    await handsOff.begin();
    assertEquals(Deno.readTextFileSync(`${root}/victim`), "mine");
    assertEquals(exists(root + NETWORKD_FILE), true);
  });
});

Deno.test("a dhcpcd of the whole system is told when the adapter is there", async () => {
  for (const path of ["/run/dhcpcd/pid", "/run/dhcpcd.pid"]) {
    await bench([path], async ({ root, ran, journal, handsOff }) => {
      assertEquals(findManagers(root), ["dhcpcd"]);
      await handsOff.begin();
      assertEquals(ran, []);
      await handsOff.adapterMade();
      assertEquals([ran, journal.changes.length], [["dhcpcd -x lanparty0"], 0]);
    });
  }
});

Deno.test("a manager that does not hear is told of", async () => {
  const there = ["/run/NetworkManager/x", "/run/dhcpcd/pid"];
  await bench(there, async ({ handsOff }) => {
    assertEquals(await handsOff.begin(), ["NetworkManager: it says no"]);
    assertEquals(await handsOff.adapterMade(), ["dhcpcd: it says no"]);
  }, false);
});

Deno.test("a name that means several to a manager is not written into its files", async () => {
  await bench(
    ["/run/systemd/netif/state"],
    async ({ ran, journal, handsOff }) => {
      assertEquals(await handsOff.begin(), []);
      assertEquals([ran, journal.changes.length], [[], 0]);
    },
    true,
    "lan*",
  );
});

Deno.test("a journal that names another file is not obeyed", () => {
  const wrong = [
    7,
    "/etc/passwd",
    "/run/systemd/network/10-other.network",
    "/run/systemd/network/00-lanparty-../../x.network",
    "/run/systemd/network/00-lanparty-x/../../y.network",
    `${NM_FILE}.bak`,
  ];
  for (const data of wrong) assertThrows(() => undoManagerFile(data), ForeignChangeError);
});
