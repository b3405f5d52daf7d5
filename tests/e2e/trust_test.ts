/**
 * Which relays are trusted: a wrong one is refused before anything is said to it.
 *
 * ```text
 *   relay                                         player
 *  ┌──────────────────────────────────────┐      ┌─────────────────────────────┐
 *  │ lanparty-relay, five of them         │      │                             │
 *  │  :4430 good      :4431 another name  │      │                             │
 *  │  :4432 expired   :4433 not yet valid ├──────┤ lanparty-client,            │
 *  │  :4434 self-signed               pl0 │ veth │ one attempt after the other │
 *  └──────────────────────────────────────┘      └─────────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  CertificateFiles,
  type IssuedCertificate,
  relayCertificate,
  SERVER_NAME,
} from "../support/certificates.ts";
import type { LabProcess, Namespace } from "../support/netns.ts";
import { PARTY, type Party } from "../support/party.ts";
import { partyTest, type Step } from "../support/play.ts";

const DAY_MS = 86_400_000;
const PORTS = { good: 4430, renamed: 4431, expired: 4432, early: 4433, selfSigned: 4434 } as const;
type RelayName = keyof typeof PORTS;

/** The relays, their certificates, and a player. */
interface Scene {
  readonly party: Party;
  readonly player: Namespace;
  readonly certificates: CertificateFiles;
  readonly issued: Readonly<Record<Exclude<RelayName, "selfSigned">, IssuedCertificate>>;
  readonly relays: ReadonlyMap<RelayName, LabProcess>;
  readonly selfSignedDer: string;
}

async function openScene(party: Party): Promise<Scene> {
  const certificates = await CertificateFiles.make(party.folder);
  const now = Date.now();
  const names = [SERVER_NAME];
  const issued = {
    good: await certificates.issue(),
    renamed: await certificates.issue({ names: ["elsewhere.test", "192.0.2.7"] }),
    expired: await certificates.issue({
      names,
      notBeforeMs: now - 9 * DAY_MS,
      notAfterMs: now - DAY_MS,
    }),
    early: await certificates.issue({
      names,
      notBeforeMs: now + DAY_MS,
      notAfterMs: now + 9 * DAY_MS,
    }),
  };
  const player = await party.addPlayer("player");
  const relays = new Map<RelayName, LabProcess>();
  const selfSignedDer = `${party.folder}/self-signed.der`;
  for (const [name, port] of Object.entries(PORTS) as [RelayName, number][]) {
    const certificate = name === "selfSigned"
      ? ["--cert-name", SERVER_NAME, "--dev-cert-der-out", selfSignedDer]
      : [...relayCertificate(issued[name]), "--dev-cert-der-out", `${party.folder}/${name}.der`];
    const options = ["--listen", `${port}/udp`, "--state-dir", party.stateDir(`relay-${name}`)];
    const command = party.relayCommand(...options, ...certificate, "--log-level", "trace");
    relays.set(name, party.relay.spawn(command));
  }
  for (const relay of relays.values()) await relay.waitForLine(/certificate (in use|made)/);
  return { party, player, certificates, issued, relays, selfSignedDer };
}

function clientCommand(scene: Scene, relay: RelayName, trust: readonly string[]): string[] {
  const { party, player } = scene;
  return party.clientCommand(
    player,
    ...["--relay", `${party.relayAddressFor(player)}:${PORTS[relay]}`, "--no-dhcp"],
    // No trust of the party's own is wanted where a case gives none.
    ...(trust.some((option) => option.startsWith("--relay-"))
      ? trust
      : [...trust, "--trust-system"]),
  );
}

/** What a relay has said since it began to listen. */
function heard(relay: LabProcess): string[] {
  const lines = relay.stderr.trim().split("\n");
  return lines.slice(lines.findIndex((line) => /certificate (in use|made)/.test(line)) + 1);
}

interface Attempt {
  readonly name: string;
  readonly relay: RelayName;
  readonly trust: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function refuse(scene: Scene, step: Step, attempt: Attempt, says: RegExp): Promise<void> {
  const { player } = scene;
  const relay = scene.relays.get(attempt.relay)!;
  await step(`refused: ${attempt.name}`, async () => {
    const before = heard(relay);
    const client = player.spawn(clientCommand(scene, attempt.relay, attempt.trust), {
      env: attempt.env ?? {},
    });
    assertEquals(await client.waitExit(15_000), 1);
    const refusals = client.stderr.split("\n").filter((line) => /error: /.test(line));
    assertEquals(refusals.length, 1, `one error is said, not\n${client.stderr}`);
    assertMatch(refusals[0], /The relay 10\.92\.0\.1:\d+ was refused: /);
    assertMatch(refusals[0], says);
    assert(!/Connected|Joined/.test(client.stderr), client.stderr);
    assertEquals(await player.has(PARTY.tap), false);
    assertEquals(heard(relay), before, "the relay hears nothing");
  });
}

async function accept(scene: Scene, step: Step, attempt: Attempt): Promise<void> {
  const { player } = scene;
  const relay = scene.relays.get(attempt.relay)!;
  await step(`accepted: ${attempt.name}`, async () => {
    const before = heard(relay).length;
    const client = player.spawn(clientCommand(scene, attempt.relay, attempt.trust), {
      env: attempt.env ?? {},
    });
    await client.waitForLine(/Joined the room/, 15_000);
    assertEquals(await client.stop(), 0);
    await relay.waitForLine(/peer left .*reason=bye/);
    assertMatch(heard(relay)[before], /room opened/);
  });
}

partyTest(
  "trust: a relay that is not the one expected is refused, unheard",
  async (party, step) => {
    const scene = await openScene(party);
    const { certificates, issued } = scene;
    const stranger = await certificates.strangerCaFile();
    const ca = ["--relay-ca-cert", certificates.caFile];
    const named = ["--server-name", SERVER_NAME];
    const [good, renamed] = [issued.good, issued.renamed];
    const nobody = /nobody this PC trusts has signed its certificate/;
    const key = /its key is not the one that was expected/;
    const cases: [Attempt, RegExp][] = [
      [
        {
          name: "a CA that did not sign",
          relay: "good",
          trust: ["--relay-ca-cert", stranger, ...named],
        },
        /nobody this PC trusts.*does not come from the CA of --relay-ca-cert/,
      ],
      [{ name: "the system's store", relay: "good", trust: named }, nobody],
      [{ name: "self-signed, the system's store", relay: "selfSigned", trust: named }, nobody],
      [
        { name: "self-signed, a CA", relay: "selfSigned", trust: [...ca, ...named] },
        nobody,
      ],
      [
        {
          name: "another name asked for",
          relay: "good",
          trust: [...ca, "--server-name", "other.test"],
        },
        /is for another name.*not for "other\.test" but for relay\.test/,
      ],
      [
        {
          name: "the address as a name, which the certificate does not have",
          relay: "good",
          trust: ca,
        },
        /is for another name.*not for "10\.92\.0\.1"/,
      ],
      [
        { name: "a certificate of another name", relay: "renamed", trust: [...ca, ...named] },
        /is for another name.*but for elsewhere\.test, 192\.0\.2\.7/,
      ],
      [{ name: "expired", relay: "expired", trust: [...ca, ...named] }, /certificate has expired/],
      [{ name: "not yet valid", relay: "early", trust: [...ca, ...named] }, /is not valid yet/],
      [
        {
          name: "another fingerprint",
          relay: "good",
          trust: ["--relay-fingerprint", renamed.fingerprint],
        },
        key,
      ],
      [
        {
          name: "another certificate pinned",
          relay: "good",
          trust: ["--relay-ca-cert", renamed.derFile],
        },
        key,
      ],
      [
        {
          name: "another fingerprint, though the CA is right",
          relay: "good",
          trust: [...ca, ...named, "--relay-fingerprint", renamed.fingerprint],
        },
        key,
      ],
    ];
    assert(good.fingerprint !== renamed.fingerprint);
    for (const [attempt, says] of cases) await refuse(scene, step, attempt, says);
    await step("refused: by the gateway as by the client", async () => {
      const relay = scene.relays.get("good")!;
      const before = heard(relay);
      const gateway = party.gateway.spawn(party.gatewayCommand(
        ...[
          "--relay",
          `${PARTY.relayAddressForGateway}:${PORTS.good}`,
          "--relay-ca-cert",
          stranger,
        ],
        ...named,
      ));
      assertEquals(await gateway.waitExit(15_000), 1);
      assertMatch(gateway.stderr, /error: .*was refused: nobody this PC trusts/);
      assertEquals(heard(relay), before);
    });
    await step("no relay has heard anything in all this time", () => {
      assertEquals([...scene.relays.values()].flatMap(heard), []);
    });
  },
);

partyTest(
  "trust: CA, system store, pinned certificate and fingerprint are accepted",
  async (party, step) => {
    const scene = await openScene(party);
    const { certificates, issued, relays, selfSignedDer } = scene;
    const named = ["--server-name", SERVER_NAME];
    const { good, renamed, expired } = issued;
    const made = /fingerprint=(\S+)/.exec(relays.get("selfSigned")!.stderr)![1];
    const cases: Attempt[] = [
      {
        name: "CA in PEM",
        relay: "good",
        trust: ["--relay-ca-cert", certificates.caFile, ...named],
      },
      {
        name: "CA in DER",
        relay: "good",
        trust: ["--relay-ca-cert", certificates.caDerFile, ...named],
      },
      {
        name: "the system's store",
        relay: "good",
        trust: named,
        env: { SSL_CERT_FILE: certificates.caFile },
      },
      {
        name: "the certificate in PEM, by any name",
        relay: "good",
        trust: ["--relay-ca-cert", good.certificateFile],
      },
      {
        name: "the certificate as the relay wrote it",
        relay: "selfSigned",
        trust: ["--relay-ca-cert", selfSignedDer],
      },
      {
        name: "the fingerprint, by any name",
        relay: "renamed",
        trust: ["--relay-fingerprint", renamed.fingerprint],
      },
      {
        name: "the fingerprint with padding",
        relay: "good",
        trust: ["--relay-fingerprint", `${good.fingerprint}=`],
      },
      {
        name: "the fingerprint that the relay logs",
        relay: "selfSigned",
        trust: ["--relay-fingerprint", made],
      },
      {
        name: "the fingerprint, whatever the date",
        relay: "expired",
        trust: ["--relay-fingerprint", expired.fingerprint],
      },
    ];
    for (const attempt of cases) await accept(scene, step, attempt);
  },
);
