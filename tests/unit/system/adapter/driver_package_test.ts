/** The TAP driver's package: found whole, and told from other drivers'. */
import { assertEquals } from "@std/assert";
import {
  decodeInf,
  findDriverPackage,
  hardwareIdOf,
} from "../../../../src/system/adapter/driver_package.ts";

const INF = `
[Version]
Signature = "$Windows NT$"
Class = Net
CatalogFile = tap0901.cat

[tap0901.NTamd64]
%DeviceDescription% = tap0901.ndi, root\\tap0901 ; both names
%DeviceDescription% = tap0901.ndi, tap0901

[tap0901.driver]
tap0901.sys,,,6
`;

async function inFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  run: (folder: string) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-driver-" });
  try {
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === "string") await Deno.writeTextFile(`${folder}/${name}`, content);
      else await Deno.writeFile(`${folder}/${name}`, content);
    }
    run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the hardware id comes out of the list of models", () => {
  const table: [string, string | undefined][] = [
    [INF, "root\\tap0901"],
    ["%Name% = tap.ndi, TAP0901", "tap0901"],
    ["%Name% = tap.ndi, USB\\VID_1, root\\tap0901", "root\\tap0901"],
    ["; %Name% = tap.ndi, tap0901", undefined],
    ["tap0901.sys = 1", undefined],
    ["%Name% = wintun.ndi, wintun", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of table) assertEquals(hardwareIdOf(text), expected, text);
});

Deno.test("an .inf file is read in either encoding", () => {
  const utf16 = new Uint8Array(
    new Uint16Array([0xfeff, ...INF].map((c) => typeof c === "number" ? c : c.charCodeAt(0)))
      .buffer,
  );
  assertEquals(hardwareIdOf(decodeInf(utf16)), "root\\tap0901");
  assertEquals(decodeInf(Uint8Array.of(0x61, 0xfc)), "aü");
});

Deno.test("a package is its .inf file and what that names, and nothing else", async () => {
  const files = { "OemVista.inf": INF, "tap0901.cat": "c", "tap0901.sys": "s" };
  await inFolder({ ...files, "holiday.jpg": "j", "aaa.inf": "[Version]" }, (folder) => {
    const found = findDriverPackage(folder)!;
    assertEquals(found.inf, "OemVista.inf");
    assertEquals(found.hardwareId, "root\\tap0901");
    assertEquals([...found.files.keys()].sort(), Object.keys(files).sort());
    const byAddress = findDriverPackage(new URL(`file://${folder}/`))!;
    assertEquals([...byAddress.files.keys()].sort(), Object.keys(files).sort());
  });
});

Deno.test("what is no whole package of this driver is none", async () => {
  const whole = { "tap.inf": INF, "tap0901.cat": "c", "tap0901.sys": "s" };
  const without = (name: keyof typeof whole) => {
    const { [name]: _, ...others } = whole;
    return others;
  };
  const cases: Record<string, string | Uint8Array>[] = [
    {},
    ...(["tap.inf", "tap0901.cat", "tap0901.sys"] as const).map(without),
    { ...whole, "tap.inf": "[Version]" },
    { ...whole, "tap.inf": new Uint8Array((1 << 20) + 1) },
  ];
  for (const files of cases) {
    await inFolder(files, (folder) => assertEquals(findDriverPackage(folder), undefined));
  }
  assertEquals(findDriverPackage("/nowhere"), undefined);
  assertEquals(findDriverPackage(new URL("file:///nowhere/")), undefined);
});
