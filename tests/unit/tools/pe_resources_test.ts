/** The icon, and what Windows shows of a program. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Data, NtExecutable, NtExecutableResource, Resource } from "resedit";
import { BuildError } from "../../../tools/build/cache.ts";
import { drawIcon, ICON_SIZES, iconFile } from "../../../tools/build/icon.ts";
import { fileVersion, versionNumbers, withResources } from "../../../tools/build/pe_resources.ts";

const RT_RCDATA = 10;
const RT_MANIFEST = 24;

const RESOURCES = {
  version: "1.2.3-beta",
  fileName: "example.exe",
  description: "an example",
  product: "examples",
  copyright: "nobody's",
};

/** A program with the resource that `deno compile` keeps its payload in. */
function program(payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const executable = NtExecutable.createEmpty(false, false);
  const table = NtExecutableResource.from(executable);
  table.entries.push({
    ...{ type: RT_RCDATA, id: "D3N0L4ND", lang: 0, codepage: 0 },
    bin: payload.buffer,
  });
  table.outputResource(executable);
  return new Uint8Array(executable.generate());
}

function entriesOf(file: Uint8Array<ArrayBuffer>) {
  return NtExecutableResource.from(NtExecutable.from(file)).entries;
}

Deno.test("a program gets icon, version and manifest, and keeps its payload", async () => {
  const payload = Uint8Array.from({ length: 5000 }, (_, i) => i);
  const plain = program(payload);
  assertEquals(fileVersion(plain), undefined);
  const file = withResources(plain, { ...RESOURCES, icon: await iconFile() });
  assertEquals(fileVersion(file), "1.2.3.0");
  const entries = entriesOf(file);
  const [kept] = entries.filter(({ type }) => type === RT_RCDATA);
  assertEquals(kept.id, "D3N0L4ND");
  assertEquals(new Uint8Array(kept.bin), payload);
  const [information] = Resource.VersionInfo.fromEntries(entries);
  const strings = information.getStringValues({ lang: 0x409, codepage: 1200 });
  assertEquals(strings["ProductVersion"], "1.2.3-beta");
  assertEquals(strings["OriginalFilename"], "example.exe");
  assertEquals(strings["FileDescription"], "an example");
  const [group] = Resource.IconGroupEntry.fromEntries(entries);
  assertEquals(group.icons.map(({ width }) => width % 256), ICON_SIZES.map((size) => size % 256));
  const [manifest] = entries.filter(({ type }) => type === RT_MANIFEST);
  // The program asks for an administrator's rights by itself, and says why.
  assert(new TextDecoder().decode(manifest.bin).includes('level="asInvoker"'));
});

Deno.test("given resources take the place of those of the same kind", async () => {
  const icon = await iconFile();
  const once = withResources(program(new Uint8Array(8)), { ...RESOURCES, icon });
  const twice = withResources(once, { ...RESOURCES, version: "2.0.0", icon });
  assertEquals(fileVersion(twice), "2.0.0.0");
  assertEquals(entriesOf(twice).length, entriesOf(once).length);
});

Deno.test("a version has three numbers of 16 bits", () => {
  assertEquals(versionNumbers("0.1.0"), [0, 1, 0, 0]);
  assertEquals(versionNumbers("10.20.65535+abc"), [10, 20, 65535, 0]);
  for (const wrong of ["1.2", "1.2.3.4", "v1.2.3", "1.2.65536", ""]) {
    assertThrows(() => versionNumbers(wrong), BuildError, "is not one like 1.2.3");
  }
});

Deno.test("the icon's file has each size, as a bitmap or as a PNG", async () => {
  const file = await iconFile();
  const view = new DataView(file.buffer);
  assertEquals(view.getUint16(4, true), ICON_SIZES.length);
  const { icons } = Data.IconFile.from(file);
  assertEquals(icons.length, ICON_SIZES.length);
  ICON_SIZES.forEach((size, index) => {
    const at = 6 + 16 * index;
    const offset = view.getUint32(at + 12, true);
    const isPng = view.getUint32(offset) === 0x89504e47;
    assertEquals(isPng, size >= 256);
    assertEquals(view.getUint32(offset + (isPng ? 16 : 4), !isPng), size);
  });
  assertEquals(
    view.getUint32(6 + 16 * 5 + 12, true) + view.getUint32(6 + 16 * 5 + 8, true),
    file.length,
  );
});

Deno.test("the icon is a tile with clear corners and a hub in its middle", () => {
  const pixels = drawIcon(64);
  const at = (x: number, y: number) => [...pixels.subarray((y * 64 + x) * 4, (y * 64 + x) * 4 + 4)];
  assertEquals(at(0, 0)[3], 0);
  assertEquals(at(63, 63)[3], 0);
  assertEquals(at(32, 34), [0xff, 0xc8, 0x3d, 255]);
  assertEquals(at(32, 13), [255, 255, 255, 255]);
});
