/** What is inside of each executable: its own modules, the packages that these import, libmsquic, and nothing else. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { BuildError } from "../../../tools/build/cache.ts";
import {
  type EmbeddedFile,
  embeddedFiles,
  embeddedPackages,
  PACKAGES,
} from "../../../tools/build/embedded.ts";
import { executablePath, PROGRAMS } from "../../../tools/build/executables.ts";

/** What each program imports, and what these packages import in their turn. */
const PACKAGES_OF_ALL = [
  ...["@logtape/logtape", "asn1js", "pvtsutils", "pvutils", "smol-toml", "tslib", "zod"],
];
/** A relay makes certificates. */
const PACKAGES_OF_RELAY = [
  ...["cms", "csr", "ecc", "pfx", "pkcs8", "pkcs9", "rsa", "schema", "x509", "x509-attr"]
    .map((name) => `@peculiar/asn1-${name}`),
  ...["@peculiar/utils", "@peculiar/x509", "reflect-metadata", "tsyringe"],
];
const PACKAGES_OF_ONE: Readonly<Record<typeof PROGRAMS[number], readonly string[]>> = {
  relay: PACKAGES_OF_RELAY,
  /** Draws the QR code of an invite. */
  gateway: ["qr"],
  client: [],
};

/** Folders and files of other programs. */
const FOREIGN: Readonly<Record<typeof PROGRAMS[number], RegExp>> = {
  relay: /(^|\/)(client|gateway|endpoint)\/|^cli\/(client|gateway)/,
  gateway: /(^|\/)(client|relay)\/|^cli\/(client|relay)/,
  client: /(^|\/)(gateway|relay)\/|^cli\/(gateway|relay)/,
};

/** Beside the runtime: 18 MB at most, of which libmsquic has 5. */
const CONTENT_BYTES_MAX = 18_000_000;

function ownFiles(files: readonly EmbeddedFile[]): string[] {
  return files.map(({ path }) => path).filter((path) => !path.startsWith(PACKAGES));
}

for (const program of PROGRAMS) {
  Deno.test(`lanparty-${program} carries what it runs, and nothing of tests or other programs`, async () => {
    const files = embeddedFiles(await Deno.readFile(executablePath(program)));
    const packages = [...PACKAGES_OF_ALL, ...PACKAGES_OF_ONE[program]];
    assertEquals(embeddedPackages(files), packages.toSorted());
    const own = ownFiles(files);
    assert(own.includes(`cli/${program}.ts`), "there is no such module, so nothing was looked at");
    assertEquals(own.filter((path) => FOREIGN[program].test(path)), []);
    assertEquals(own.filter((path) => !path.endsWith(".ts")), ["quic/libmsquic.so"]);
    assertLess(files.reduce((sum, { bytes }) => sum + bytes, 0), CONTENT_BYTES_MAX);
  });
}

Deno.test("a file that is no executable of ours is not taken for an empty one", () => {
  assertThrows(() => embeddedFiles(new Uint8Array(100)), BuildError);
  assertThrows(() => embeddedFiles(new TextEncoder().encode('[{"Dir":{"n":""')), BuildError);
});
