/**
 * What the schemas of control messages are made of: fields, texts and numbers, and how a schema's result
 * becomes a message.
 *
 * Unknown fields are ignored, and a field that is null counts as absent. Text that people will read comes
 * out cleaned.
 *
 * @module
 */

import { z } from "zod";
import { asPeerId } from "../proto/brands.ts";
import { cleanText, countCodePoints } from "../proto/clean_text.ts";
import { formatMac, isIdentityMac, parseMac } from "../proto/mac.ts";

/** Longest name of a player, in Unicode code points. */
export const NAME_CODE_POINTS_MAX = 64;

/** What is kept of a `message` for people, in code points; longer ones are cut, not refused. */
export const MESSAGE_CODE_POINTS_MAX = 512;

/** An issue that names every code there is would be longer. */
const ISSUE_LENGTH_MAX = 200;

const text = (codePointsMax: number) =>
  z.string().transform((raw) => cleanText(raw)).refine(
    (clean) => countCodePoints(clean) <= codePointsMax,
    { error: `longer than ${codePointsMax} characters` },
  );
/** Text for people that may be absent; one that is empty is. */
export const optionalText = (codePointsMax: number) =>
  //= PROTOCOL.md 4
  //# An optional text that is empty then counts as absent.
  text(codePointsMax).transform((clean) => clean === "" ? undefined : clean).optional();
/** A `message`. */
export const messageText = z.string().transform((raw) => cleanText(raw, MESSAGE_CODE_POINTS_MAX))
  .default("");
/** A client's MAC, in its canonical form. */
export const mac = z.string().transform((raw, context) => {
  const bytes = parseMac(raw);
  if (bytes !== undefined && isIdentityMac(bytes, 0)) return formatMac(bytes);
  context.addIssue("not a unicast, locally administered MAC");
  return z.NEVER;
});
export const count = z.number().int().nonnegative();
export const peerId = z.number().int().min(1).max(0xffff).transform(asPeerId);

/** An object from which everything that is null was taken out first. */
export const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  //= PROTOCOL.md 4
  //# Fields that the reader does not know are ignored.
  //= PROTOCOL.md 4
  //# A field whose value is `null` counts as absent.
  z.preprocess(withoutNulls, z.object(shape));

/** An optional field that is not there is no property at all, never one that is undefined. */
export type Exact<T> = T extends number ? T
  : T extends readonly unknown[] ? { [Key in keyof T]: Exact<T[Key]> }
  : T extends object ? { [Key in keyof T]: Exact<Exclude<T[Key], undefined>> }
  : T;
export type Output<Schema extends z.ZodType> = Exact<z.output<Schema>>;

/** What a parser says of a message; `message` is for people and quotes nothing of the input. */
export type MessageResult<Message> =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly message: string };

/** What a schema has made of a message. */
export function resultOf<Message extends object>(
  result: z.ZodSafeParseResult<Message>,
): MessageResult<Exact<Message>> {
  return result.success
    //= PROTOCOL.md 6
    //# **Bold** fields must be there.
    ? { ok: true, message: exact(result.data) }
    : { ok: false, message: firstIssue(result.error) };
}

/** Takes fields out that came out as undefined, also further inside: an empty name is no name. */
function exact<Message extends object>(message: Message): Exact<Message> {
  for (const key of Object.keys(message) as (keyof Message)[]) {
    const value = message[key];
    if (value === undefined) delete message[key];
    else if (typeof value === "object" && value !== null) exact(value);
  }
  return message as Exact<Message>;
}

/** `field: what is wrong`. Paths hold names of our schemas only, so nothing of the input shows. */
function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue.path.join(".") || "message"}: ${issue.message}`.slice(0, ISSUE_LENGTH_MAX);
}

/** Whether a JSON value is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}
