/** Links of ours on a Linux desktop: what is written, and that nothing else is touched. */
import { assertEquals, assertMatch } from "@std/assert";
import { linuxLinks } from "../../../../src/system/links/linux.ts";
import { addDefault, hasDefault, removeDefault } from "../../../../src/system/links/mime_apps.ts";

const TYPE = "x-scheme-handler/lanparty";
const ENTRY = "lanparty-client-link.desktop";

async function inHome(run: (home: string) => void): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "lanparty-links-" });
  try {
    run(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function linksOf(home: string | undefined) {
  const folders = { home: () => home, data: () => undefined, config: () => undefined };
  return linuxLinks("lanparty", "open-link", folders);
}

Deno.test("links are opened by an entry of the user's own, and everything is as before when that is taken back", async () => {
  await inHome((home) => {
    const links = linksOf(home);
    const list = `${home}/.config/mimeapps.list`;
    const entry = `${home}/.local/share/applications/${ENTRY}`;
    const before = "[Added Associations]\ntext/html=firefox.desktop;\n\n" +
      "[Default Applications]\ntext/html=firefox.desktop\n";
    Deno.mkdirSync(`${home}/.config`);
    Deno.writeTextFileSync(list, before);
    assertEquals([links.isRegistered(), links.unregister()], [false, false]);
    links.register("/usr/local/bin/lanparty-client");
    links.register("/opt/lan party/lanparty-client");
    assertEquals(links.isRegistered(), true);
    const lines = Deno.readTextFileSync(entry).split("\n");
    assertEquals(lines[0], "[Desktop Entry]");
    for (
      const line of [
        'Exec="/opt/lan party/lanparty-client" open-link -- %u',
        "Terminal=true",
        `MimeType=${TYPE};`,
      ]
    ) assertEquals(lines.filter((one) => one === line).length, 1, line);
    assertEquals(
      Deno.readTextFileSync(list),
      before.replace("[Default Applications]\n", `[Default Applications]\n${TYPE}=${ENTRY};\n`),
    );
    assertEquals(links.unregister(), true);
    assertEquals(Deno.readTextFileSync(list), before);
    assertEquals([links.isRegistered(), links.unregister()], [false, false]);
  });
});

Deno.test("a path with signs that mean something in an entry stands for itself", async () => {
  await inHome((home) => {
    linksOf(home).register('/a "b"/$c`/100%/d\\e');
    const text = Deno.readTextFileSync(`${home}/.local/share/applications/${ENTRY}`);
    assertMatch(text, /^Exec="(.*)" open-link -- %u$/m);
    const [, quoted] = /^Exec="(.*)" open-link -- %u$/m.exec(text)!;
    // As the specification reads it: the value's backslashes, then the quotes' ones, then the codes of fields.
    const value = quoted.replaceAll("\\\\", "\\");
    assertEquals(
      value.replaceAll(/\\(["`$\\])/g, "$1").replaceAll("%%", "%"),
      '/a "b"/$c`/100%/d\\e',
    );
  });
});

Deno.test("without a home there is no desktop", () => {
  let message = "";
  try {
    linksOf(undefined).register("/x");
  } catch (error) {
    message = error instanceof Error ? error.message : "";
  }
  assertMatch(message, /HOME is not set/);
});

Deno.test("a list of default applications: one line is ours, all others stay", () => {
  const ours = `[Default Applications]\n${TYPE}=${ENTRY};\n`;
  assertEquals(addDefault("", TYPE, ENTRY), ours);
  assertEquals(addDefault(ours, TYPE, ENTRY), ours);
  assertEquals(
    addDefault("[Removed Associations]\na=b;\n", TYPE, ENTRY),
    [
      ...["[Removed Associations]", "a=b;", "", "[Default Applications]", `${TYPE}=${ENTRY};`, ""],
    ].join("\n"),
  );
  const other = `[Default Applications]\n${TYPE}=other.desktop\n[Added Associations]\na=b;\n`;
  const both = addDefault(other, TYPE, ENTRY);
  assertEquals(both.split("\n")[1], `${TYPE}=${ENTRY};other.desktop;`);
  assertEquals([hasDefault(other, TYPE, ENTRY), hasDefault(both, TYPE, ENTRY)], [false, true]);
  assertEquals(removeDefault(both, TYPE, ENTRY).split("\n")[1], `${TYPE}=other.desktop;`);
  assertEquals(removeDefault(ours, TYPE, ENTRY), "[Default Applications]\n");
  // In another group the type means something else.
  const elsewhere = `[Default Applications]\n[Added Associations]\n${TYPE}=other.desktop;\n`;
  assertEquals(addDefault(elsewhere, TYPE, ENTRY).split("\n").slice(0, 2), [
    ...["[Default Applications]", `${TYPE}=${ENTRY};`],
  ]);
});
