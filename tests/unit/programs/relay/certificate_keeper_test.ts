import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CertificateKeeper,
  type CertificateUse,
  RENEWAL_CHECK_INTERVAL_MS,
  stampOfFiles,
  TROUBLE_INTERVAL_MS,
  WATCH_INTERVAL_MS,
} from "../../../../src/programs/relay/certificate_keeper.ts";
import {
  checkOwnKey,
  isRenewalDue,
  keptFingerprint,
  readCertificate,
  type RelayCertificate,
  RENEWAL_MS,
  selfSignedCertificate,
} from "../../../../src/programs/relay/identity.ts";
import { saying } from "../../../support/sentences.ts";
import { UserError } from "../../../../src/log/user_error.ts";
import { createSelfSigned } from "../../../../src/trust/self_signed.ts";
import { DAY_MS } from "../../../../tools/lab/certificates.ts";

const UNIX_MS = Date.UTC(2026, 10, 20, 12);

function certificateOf(fingerprint: string, created = false): RelayCertificate {
  const leafDer = new Uint8Array();
  const validity = { fromUnixMs: UNIX_MS, toUnixMs: UNIX_MS + 90 * DAY_MS };
  return { certificateFile: "cert", keyFile: "key", leafDer, fingerprint, validity, created };
}

/** A world in which the files hold `next`, or are of no use. */
class World implements CertificateUse {
  next: RelayCertificate | UserError | Error = certificateOf("one");
  files = "1";
  due = false;
  trouble: string | undefined;
  loads = 0;
  readonly used: string[] = [];
  readonly notes: string[] = [];
  readonly keeper = new CertificateKeeper(this, certificateOf("one"), 0);
  #turns = 0;

  load(): Promise<RelayCertificate> {
    this.loads++;
    return this.next instanceof Error ? Promise.reject(this.next) : Promise.resolve(this.next);
  }

  use(certificate: RelayCertificate): void {
    if (certificate.fingerprint === "unfit") throw new UserError("they do not fit");
    this.used.push(certificate.fingerprint);
  }

  isRenewalDue(): boolean {
    return this.due;
  }

  troubleWith(): string | undefined {
    return this.trouble;
  }

  stamp(): string {
    return this.files;
  }

  note(level: string, message: string): void {
    this.notes.push(`${level}: ${message}`);
  }

  /** Lets the files be looked at so many times. */
  async watch(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.keeper.work(++this.#turns * WATCH_INTERVAL_MS);
      for (let j = 0; j < 10; j++) await Promise.resolve();
    }
  }
}

Deno.test("files that stay as they are, are not read", async () => {
  const world = new World();
  await world.watch(100);
  assertEquals([world.loads, world.used, world.notes], [0, [], []]);
});

Deno.test("a changed pair is taken once it has come to rest, and once only", async () => {
  const world = new World();
  for (const files of ["2", "3"]) {
    world.files = files;
    await world.watch(1);
    assertEquals(world.loads, 0, "it may be half written");
  }
  await world.watch(5);
  assertEquals([world.loads, world.used], [1, ["one"]]);
  assertEquals(world.notes, ["info: Certificate read anew"]);
});

Deno.test("a broken pair is named once, the old certificate stays, and a mended one is taken", async () => {
  const world = new World();
  for (
    const [files, next] of [["2", new UserError("no PEM")], ["3", certificateOf("unfit")]] as const
  ) {
    world.files = files;
    world.next = next;
    await world.watch(5);
    assertEquals(world.keeper.current.fingerprint, "one");
  }
  assertEquals(world.loads, 2);
  assertEquals(world.notes, [
    "error: The old certificate stays: no PEM",
    "error: The old certificate stays: they do not fit",
  ]);
  world.files = "4";
  world.next = certificateOf("two");
  await world.watch(3);
  assertEquals(world.used, ["two"]);
  assertEquals(world.keeper.current.fingerprint, "two");
  assertEquals(world.notes.slice(2), [
    "info: Certificate read anew",
    "warning: The certificate has another key: pins of the old one fail",
  ]);
});

Deno.test("a signal has the files read whether or not they changed, and tells how it went", async () => {
  const world = new World();
  assertEquals(await world.keeper.reload(), true);
  world.next = new UserError("no");
  assertEquals(await Promise.all([world.keeper.reload(), world.keeper.reload()]), [false, false]);
  assertEquals(world.loads, 3);
  world.next = new TypeError("a bug");
  await assertRejects(() => world.keeper.reload(), TypeError, "a bug");
});

Deno.test("a certificate of our own is renewed when it is time, and its writing is no change", async () => {
  const world = new World();
  world.due = true;
  world.load = () => {
    world.files = "written";
    world.due = false;
    world.loads++;
    return Promise.resolve(certificateOf("one", true));
  };
  world.keeper.work(RENEWAL_CHECK_INTERVAL_MS - 1);
  assertEquals(world.loads, 0);
  world.keeper.work(RENEWAL_CHECK_INTERVAL_MS);
  await new Promise((resolve) => setTimeout(resolve));
  for (let i = 1; i < 10; i++) world.keeper.work(RENEWAL_CHECK_INTERVAL_MS + i * WATCH_INTERVAL_MS);
  assertEquals([world.loads, world.notes], [1, ["info: Certificate renewed"]]);
});

Deno.test("what is wrong with a certificate's dates is said at the start, at each reading, and once a day", async () => {
  const world = new World();
  world.trouble = saying("certificate/expires", {
    ...{ file: "cert", time: "5 days", day: "2026-11-25" },
  });
  const keeper = new CertificateKeeper(world, certificateOf("one"), 0);
  const line = `warning: ${world.trouble}`;
  assertEquals(world.notes.splice(0), [line]);
  await keeper.reload();
  assertEquals(world.notes.splice(0), ["info: Certificate read anew", line]);
  assert(keeper.nextDeadlineMs() <= TROUBLE_INTERVAL_MS);
  const hourMs = TROUBLE_INTERVAL_MS / 24;
  for (let hour = 0; hour <= 48; hour++) keeper.work(hour * hourMs);
  assertEquals(world.notes.splice(0), [line, line]);
  world.trouble = undefined;
  await keeper.reload();
  keeper.work(3 * TROUBLE_INTERVAL_MS);
  assertEquals(world.notes, ["info: Certificate read anew"]);
});

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-keeper-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the self-signed certificate is made anew a month before its end, with the same key", async () => {
  await withFolder(async (folder) => {
    assertThrows(() => keptFingerprint(undefined, folder), UserError, "no certificate");
    const first = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS);
    const endMs = UNIX_MS + 3650 * DAY_MS;
    assertEquals(isRenewalDue(first, endMs - RENEWAL_MS - 1), false);
    assertEquals(isRenewalDue(first, endMs - RENEWAL_MS), true);
    const kept = await selfSignedCertificate(folder, ["relay.test"], endMs - RENEWAL_MS - 1);
    assertEquals([kept.created, kept.leafDer], [false, first.leafDer]);
    const renewed = await selfSignedCertificate(folder, ["relay.test"], endMs - RENEWAL_MS);
    assertEquals([renewed.created, renewed.fingerprint], [true, first.fingerprint]);
    assertNotEquals(renewed.leafDer, first.leafDer);
    assertEquals(isRenewalDue(renewed, endMs), false);
    assertEquals(keptFingerprint(undefined, folder), first.fingerprint);
  });
});

Deno.test("a lost key is made anew only if that is wanted: everybody has the old one's fingerprint", async () => {
  await withFolder(async (folder) => {
    checkOwnKey(folder);
    checkOwnKey(`${folder}/none`);
    const first = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS);
    checkOwnKey(folder);
    const files = () => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
    const both = files();
    Deno.removeSync(first.keyFile);
    const left = files();
    const start = () => selfSignedCertificate(folder, ["relay.test"], UNIX_MS);
    for (
      const refused of [
        await assertRejects(start, UserError),
        assertThrows(() => checkOwnKey(folder), UserError),
      ]
    ) {
      for (const part of [folder, "relay-key.pem, is gone", first.fingerprint, "--new-key"]) {
        assertStringIncludes(refused.message, part);
      }
    }
    assertEquals(files(), left, "nothing is written then");
    const anew = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS, true);
    assertEquals([anew.created, files()], [true, both]);
    assertNotEquals(anew.fingerprint, first.fingerprint);
    // It is no wish for a new key at each start.
    const kept = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS, true);
    assertEquals([kept.created, kept.fingerprint], [false, anew.fingerprint]);
    // The certificate alone is no loss: it comes from the key.
    Deno.removeSync(first.certificateFile);
    checkOwnKey(folder);
    const made = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS);
    assertEquals([made.created, made.fingerprint], [true, anew.fingerprint]);
  });
});

Deno.test("where everything is there nothing is written: a folder that cannot be written will do", async () => {
  await withFolder(async (folder) => {
    const first = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS);
    const stamp = stampOfFiles([first.certificateFile, first.keyFile]);
    const kept = await selfSignedCertificate(folder, ["relay.test"], UNIX_MS, true);
    assertEquals([kept.created, kept.validity], [false, first.validity]);
    assertEquals(stampOfFiles([first.certificateFile, first.keyFile]), stamp);
  });
});

Deno.test("the stamp of files changes when one is replaced, is written, comes or goes", async () => {
  await withFolder(async (folder) => {
    const files = [`${folder}/a`, `${folder}/b`];
    const stamps = [stampOfFiles(files)];
    const changes = [
      () => Deno.writeTextFileSync(files[0], "1"),
      () => Deno.writeTextFileSync(files[1], "1"),
      () => Deno.writeTextFileSync(files[1], "12"),
      () => {
        Deno.writeTextFileSync(`${files[1]}.new`, "34");
        Deno.renameSync(`${files[1]}.new`, files[1]);
      },
      () => Deno.utimeSync(files[1], 1, 1),
      () => Deno.removeSync(files[0]),
    ];
    for (const change of changes) {
      change();
      stamps.push(stampOfFiles(files));
    }
    assertEquals(new Set(stamps).size, stamps.length);
    assertEquals(stampOfFiles(files), stamps.at(-1));
    await Promise.resolve();
  });
});

Deno.test("a key that needs a password is refused, before anybody is asked for one", async () => {
  await withFolder(async (folder) => {
    const made = await createSelfSigned({ names: ["relay.test"], days: 1, unixMs: UNIX_MS });
    const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
    await Deno.writeTextFile(cert, made.certificatePem);
    await Deno.writeTextFile(key, made.keyPem.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), {
      mode: 0o600,
    });
    assertThrows(() => readCertificate(cert, key), UserError, "protected by a password");
    await Deno.writeTextFile(key, made.keyPem);
    assertEquals(readCertificate(cert, key).fingerprint, made.fingerprint);
    assertEquals(keptFingerprint(cert, folder), made.fingerprint);
  });
});
