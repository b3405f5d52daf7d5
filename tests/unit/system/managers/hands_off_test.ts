/** Programs that manage all networks are told to leave the adapter alone, and all of it is taken back. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
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
    assertEquals(await handsOff.begin(), []);
    handsOff.adapterMade(1_000);
    assertEquals(handsOff.check(7, 100_000), undefined);
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

Deno.test("a umask that keeps others out does not keep a manager from its file", async () => {
  await bench(["/run/systemd/netif/state"], async ({ root, handsOff }) => {
    const umask = Deno.umask(0o077);
    try {
      await handsOff.begin();
    } finally {
      Deno.umask(umask);
    }
    const folder = (root + NETWORKD_FILE).replace(/\/[^/]*$/, "");
    const modes = [folder, root + NETWORKD_FILE].map((path) => Deno.statSync(path).mode! & 0o777);
    assertEquals(modes, [0o755, 0o644]);
  });
});

Deno.test("where nothing can be written down, no file is made, and the client goes on", async () => {
  await bench(["/run/systemd/netif/state"], async ({ root, handsOff }) => {
    await Deno.mkdir(`${root}/journal`); // in the way of the journal's file
    assertMatch((await handsOff.begin())[0], /^\/run\/systemd\/network\//);
    assertEquals(exists(root + NETWORKD_FILE), false);
    await handsOff.end();
  });
});

Deno.test("a manager's file that cannot be taken away stays in the journal, and the client's end goes on", async () => {
  await bench(["/run/systemd/netif/state"], async ({ root, journal, handsOff }) => {
    await handsOff.begin();
    await Deno.remove(root + NETWORKD_FILE);
    await Deno.mkdir(`${root}${NETWORKD_FILE}/full`, { recursive: true });
    await handsOff.end();
    assertEquals(journal.changes.map(({ data }) => data), [NETWORKD_FILE]);
  });
});

/** A dhcpcd's socket, and what is said there. */
function listen(path: string): { readonly heard: Promise<string>; close(): void } {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const listener = Deno.listen({ transport: "unix", path });
  const hear = async () => {
    using connection = await listener.accept();
    return await new Response(connection.readable).text();
  };
  return { heard: hear(), close: () => listener.close() };
}

for (const path of ["/run/dhcpcd/sock", "/run/dhcpcd.sock"]) {
  Deno.test(`a dhcpcd of the whole system is told at ${path} when it must know the adapter`, async () => {
    await bench([], async ({ root, ran, journal, handsOff }) => {
      const dhcpcd = listen(root + path);
      assertEquals(findManagers(root), ["dhcpcd"]);
      await handsOff.begin();
      handsOff.adapterMade(1_000);
      assertEquals(handsOff.check(0, 3_999), undefined);
      assertEquals(await handsOff.check(0, 4_000), []);
      assertEquals(await dhcpcd.heard, "dhcpcd\0-x\0lanparty0\0");
      assertEquals(handsOff.check(0, 100_000), undefined);
      assertEquals([ran, journal.changes.length], [[], 0]);
      dhcpcd.close();
    });
  });
}

Deno.test("a dhcpcd that asks for an address is told at once, and again when it does so again", async () => {
  await bench(["/run/dhcpcd/sock"], async ({ root, handsOff }) => {
    await Deno.remove(`${root}/run/dhcpcd/sock`);
    handsOff.adapterMade(1_000);
    for (const [asked, nowMs] of [[1, 1_500], [3, 6_500]]) {
      const dhcpcd = listen(`${root}/run/dhcpcd/sock`);
      assertEquals(await handsOff.check(asked, nowMs), []);
      assertEquals(await dhcpcd.heard, "dhcpcd\0-x\0lanparty0\0");
      assertEquals(handsOff.check(asked + 1, nowMs + 4_999), undefined);
      dhcpcd.close(); // and its file goes
    }
  });
});

Deno.test("the adapter's own link-local addresses come back from a dhcpcd", async () => {
  const modes = "/proc/sys/net/ipv6/conf";
  const there = ["/run/dhcpcd/sock", `${modes}/default/addr_gen_mode`];
  await bench([...there, `${modes}/lanparty0/addr_gen_mode`], async ({ root, handsOff }) => {
    const own = `${root}${modes}/lanparty0/addr_gen_mode`;
    await Deno.writeTextFile(`${root}${modes}/default/addr_gen_mode`, "0\n");
    await Deno.writeTextFile(own, "1\n");
    await handsOff.check(1, 0);
    handsOff.check(1, 999);
    assertEquals(await Deno.readTextFile(own), "1\n");
    handsOff.check(1, 1_000);
    assertEquals(await Deno.readTextFile(own), "0");
  });
});

Deno.test("a manager that does not hear is told of", async () => {
  const there = ["/run/NetworkManager/x", "/run/dhcpcd/sock"];
  await bench(there, async ({ handsOff }) => {
    assertEquals(await handsOff.begin(), ["NetworkManager: it says no"]);
    assertMatch((await handsOff.check(1, 0))!.join(), /^dhcpcd: /);
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
