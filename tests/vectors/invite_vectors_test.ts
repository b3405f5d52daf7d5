/** The golden vectors of `invites.json`: docs/INVITE.md says what each part means. */
import { assert, assertEquals } from "@std/assert";
import { formatInvite, type InviteProblem, readInvite } from "../../src/control/invite.ts";
import { type Invite, writeInviteFields } from "../../src/control/invite_fields.ts";
import { toHex } from "../unit/proto/frames.ts";

interface InviteVectors {
  readonly invites: readonly {
    readonly name: string;
    readonly fields: string;
    readonly text: string;
    readonly value: Invite;
  }[];
  readonly readings: readonly {
    readonly name: string;
    readonly text: string;
    readonly value: Invite;
  }[];
  readonly refusals: readonly {
    readonly name: string;
    readonly text: string;
    readonly problem: InviteProblem;
  }[];
}

const VECTORS: InviteVectors = JSON.parse(
  Deno.readTextFileSync(new URL("invites.json", import.meta.url)),
);

Deno.test("vectors: invites in both directions", () => {
  for (const { name, fields, text, value } of VECTORS.invites) {
    const written = writeInviteFields(value);
    assertEquals(written.ok && toHex(written.bytes), fields, name);
    assertEquals(formatInvite(value), { ok: true, text }, name);
    assertEquals(readInvite(text), { ok: true, invite: value, text }, name);
    assert(text.length <= 249, name);
  }
  assert(VECTORS.invites.length > 0);
});

Deno.test("vectors: invites in whatever people paste", () => {
  for (const { name, text, value } of VECTORS.readings) {
    const read = readInvite(text);
    assertEquals(read.ok ? read.invite : read, value, name);
  }
  assert(VECTORS.readings.length > 0);
});

Deno.test("vectors: what is no invite, and in which way", () => {
  for (const { name, text, problem } of VECTORS.refusals) {
    const read = readInvite(text);
    assertEquals<unknown>(read.ok ? read.invite : read.problem, problem, name);
  }
  assert(VECTORS.refusals.length > 0);
});
