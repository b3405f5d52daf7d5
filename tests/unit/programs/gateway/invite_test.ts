import { assertEquals, assertStringIncludes } from "@std/assert";
import { readInvite } from "../../../../src/control/invite.ts";
import { partyInvite } from "../../../../src/programs/gateway/invite.ts";
import { CertificateFiles } from "../../../support/certificates.ts";

const HOME = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
const SHOWN = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";

/** The fingerprint in an invite, or why there is none. */
function pinOf(relayCaFile: string | undefined, relay?: typeof HOME): string | undefined {
  const made = partyInvite({
    relays: [{ host: HOME.host, port: HOME.port, ipVersion: 0 }],
    serverName: undefined,
    relayCaFile,
    relayFingerprint: undefined,
    room: "PARTY",
  }, relay && { relay, relayKey: SHOWN, isNamed: ({ host }) => host === HOME.host });
  if (!made.ok) return made.why;
  const read = readInvite(made.text);
  return read.ok ? read.invite.fingerprint : read.why;
}

Deno.test("an invite says how the relay is known: by its key, or by a public CA", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-invite-" });
  try {
    const files = await CertificateFiles.make(folder);
    const issued = await files.issue();
    assertEquals(pinOf(undefined, HOME), undefined);
    assertEquals(pinOf(issued.certificateFile), issued.fingerprint);
    // A CA of the host's own is too large for an invite: what its relay has shown stands for it.
    assertEquals(pinOf(files.caFile, HOME), SHOWN);
    assertStringIncludes(pinOf(files.caFile) ?? "", "give --relay-fingerprint");
    // Another relay, to which the room has moved, has another key.
    assertStringIncludes(
      pinOf(files.caFile, { ...HOME, host: "other.example.org" }) ?? "",
      "ctl invite",
    );
    assertStringIncludes(pinOf(`${folder}/missing.pem`) ?? "", "there is no such file");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
