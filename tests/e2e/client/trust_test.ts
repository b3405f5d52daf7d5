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
} from "../../support/certificates.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

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
  for (const relay of relays.values()) await relay.waitForLine(/Certificate (in use|made)/);
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
  return lines.slice(lines.findIndex((line) => /Certificate (in use|made)/.test(line)) + 1);
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
    const news = () => heard(relay).slice(before);
    await eventually("the room is closed", () => news().some((line) => /Room closed/.test(line)));
    assertMatch(news()[0], /Room opened/);
    assertMatch(news().join("\n"), /Peer left .*reason=bye/);
  });
}

/** Chains, names and dates that are wrong. */
function wrongChains({ certificates }: Scene, stranger: string): [Attempt, RegExp][] {
  const ca = ["--relay-ca-cert", certificates.caFile];
  const named = ["--server-name", SERVER_NAME];
  const nobody = /nobody this PC trusts has signed its certificate/;
  const attempt = (relay: RelayName, name: string, ...trust: string[]) => ({ relay, name, trust });
  return [
    [
      attempt("good", "a CA that did not sign", "--relay-ca-cert", stranger, ...named),
      /nobody this PC trusts.*does not come from the CA of --relay-ca-cert/,
    ],
    [attempt("good", "the system's store", ...named), nobody],
    [attempt("selfSigned", "self-signed, the system's store", ...named), nobody],
    [
      attempt("selfSigned", "self-signed, and of another name", "--server-name", "other.test"),
      nobody,
    ],
    [attempt("selfSigned", "self-signed, a CA", ...ca, ...named), nobody],
    [
      attempt("good", "another name asked for", ...ca, "--server-name", "other.test"),
      /is for another name.*not for "other\.test" but for relay\.test/,
    ],
    [
      attempt("good", "the address as a name, which the certificate does not have", ...ca),
      /is for another name.*not for "10\.92\.0\.1"/,
    ],
    [
      attempt("renamed", "a certificate of another name", ...ca, ...named),
      /is for another name.*but for elsewhere\.test, 192\.0\.2\.7/,
    ],
    [attempt("expired", "expired", ...ca, ...named), /certificate has expired/],
    [attempt("early", "not yet valid", ...ca, ...named), /is not valid yet/],
  ];
}

/** Pins of another relay. */
function wrongPins({ certificates, issued }: Scene): [Attempt, RegExp][] {
  const chain = ["--relay-ca-cert", certificates.caFile, "--server-name", SERVER_NAME];
  const fingerprint = ["--relay-fingerprint", issued.renamed.fingerprint];
  const file = ["--relay-ca-cert", issued.renamed.derFile];
  const key = /its key is not the one that was expected/;
  const names: [string, string[]][] = [
    ["another fingerprint", fingerprint],
    ["another certificate pinned", file],
    ["another fingerprint, though the CA is right", [...chain, ...fingerprint]],
  ];
  return names.map(([name, trust]) => [{ relay: "good", name, trust }, key]);
}

partyTest(
  "trust: a relay that is not the one expected is refused, unheard",
  async (party, step) => {
    const scene = await openScene(party);
    const { certificates, relays } = scene;
    const stranger = await certificates.strangerCaFile();
    for (const [attempt, says] of [...wrongChains(scene, stranger), ...wrongPins(scene)]) {
      await refuse(scene, step, attempt, says);
    }
    await step("refused: by the gateway as by the client", async () => {
      const relay = ["--relay", `${PARTY.relayAddressForGateway}:${PORTS.good}`];
      const trust = ["--relay-ca-cert", stranger, "--server-name", SERVER_NAME];
      const gateway = party.gateway.spawn(party.gatewayCommand(...relay, ...trust));
      assertEquals(await gateway.waitExit(15_000), 1);
      assertMatch(gateway.stderr, /error: .*was refused: nobody this PC trusts/);
    });
    await step("no relay has heard anything in all this time", () => {
      assertEquals([...relays.values()].flatMap(heard), []);
    });
  },
);

partyTest(
  "trust: CA, store, pinned certificate and fingerprint are accepted",
  async (party, step) => {
    const scene = await openScene(party);
    const { certificates, issued, relays, selfSignedDer } = scene;
    const { good, renamed, expired } = issued;
    const { caFile, caDerFile } = certificates;
    const named = ["--server-name", SERVER_NAME];
    const made = /fingerprint=(\S+)/.exec(relays.get("selfSigned")!.stderr)![1];
    const file = (path: string) => ["--relay-ca-cert", path];
    const fingerprint = (text: string) => ["--relay-fingerprint", text];
    const cases: [RelayName, string, string[]][] = [
      ["good", "CA in PEM", [...file(caFile), ...named]],
      ["good", "CA in DER", [...file(caDerFile), ...named]],
      ["good", "the certificate in PEM, by any name", file(good.certificateFile)],
      ["selfSigned", "the certificate as the relay wrote it", file(selfSignedDer)],
      ["renamed", "the fingerprint, by any name", fingerprint(renamed.fingerprint)],
      ["good", "the fingerprint with padding", fingerprint(`${good.fingerprint}=`)],
      ["selfSigned", "the fingerprint that the relay logs", fingerprint(made)],
      ["expired", "the fingerprint, whatever the date", fingerprint(expired.fingerprint)],
    ];
    for (const [relay, name, trust] of cases) await accept(scene, step, { relay, name, trust });
    const env = { SSL_CERT_FILE: caFile };
    await accept(scene, step, { relay: "good", name: "the system's store", trust: named, env });
  },
);
