/** What npm, cargo and pip answer when they are asked for newer versions and for advisories. */
import { z } from "zod";

/** Something known to be wrong with a version of a part. */
export interface Advisory {
  readonly name: string;
  readonly severity: string;
  readonly title: string;
  readonly url: string;
}

/** What a tool has said, or why it has said nothing. */
export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly why: string };

/** A command's end: what it printed; undefined: it did not end in time, or is not there. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly success: boolean;
}

const WHY_CHARACTERS_MAX = 120;

/** No answer, for the reason that a tool gave: its first line that says something. */
export function failed(text: string): { ok: false; why: string } {
  const lines = text.split("\n").map((line) =>
    line.replace(/^(npm )?(error|ERROR|ERR!):? */, "").trim()
  );
  const line = lines.find((one) => one !== "" && !/^(code|warning|Updating)\b/i.test(one));
  return { ok: false, why: (line ?? "no answer").slice(0, WHY_CHARACTERS_MAX) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const NpmError = z.object({
  error: z.object({ summary: z.string() }),
  message: z.string().optional(),
});

const NpmOutdated = z.record(z.string(), z.object({ latest: z.string() }));

/** `npm outdated --json`: the newest version of each package. It fails when there is a newer one. */
export function readNpmOutdated({ stdout, stderr }: Output): Answer<ReadonlyMap<string, string>> {
  const json = parseJson(stdout.trim() === "" ? "{}" : stdout);
  const error = NpmError.safeParse(json);
  if (error.success) return failed(error.data.error.summary);
  const answer = NpmOutdated.safeParse(json);
  if (!answer.success || Object.keys(answer.data).length === 0) return failed(stderr || stdout);
  const newest = Object.entries(answer.data).map(([name, { latest }]) => [name, latest] as const);
  return { ok: true, value: new Map(newest) };
}

const NpmAudit = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      via: z.array(z.union([
        z.string(),
        z.object({ name: z.string(), severity: z.string(), title: z.string(), url: z.string() }),
      ])),
    }),
  ),
});

/** `npm audit --json`. It fails when there are advisories, and has another form when it could not ask. */
export function readNpmAudit({ stdout, stderr }: Output): Answer<readonly Advisory[]> {
  const json = parseJson(stdout);
  const answer = NpmAudit.safeParse(json);
  if (!answer.success) {
    const error = NpmError.safeParse(json);
    return failed(error.success ? error.data.message || error.data.error.summary : stderr);
  }
  // A name alone in `via` is a package that has advisories of its own, which stand there.
  const found = Object.values(answer.data.vulnerabilities).flatMap(({ via }) => via)
    .filter((one) => typeof one !== "string");
  return {
    ok: true,
    value: found.map(({ name, severity, title, url }) => ({ name, severity, title, url })),
  };
}

/** `cargo info NAME`: the newest version, after `latest` where it is another than the one that is shown. */
export function readCargoInfo({ stdout, stderr, success }: Output): Answer<string> {
  const [, shown, latest] = stdout.match(/^version: (\S+)(?:.*\(latest (\S+)\))?/m) ?? [];
  if (!success || shown === undefined) return failed(stderr);
  return { ok: true, value: latest ?? shown };
}

const CargoAudit = z.object({
  vulnerabilities: z.object({
    list: z.array(z.object({
      advisory: z.object({ id: z.string(), title: z.string(), url: z.string().nullish() }),
      package: z.object({ name: z.string() }),
    })),
  }),
});

/** `cargo audit --json`. It fails when there are advisories. */
export function readCargoAudit({ stdout, stderr }: Output): Answer<readonly Advisory[]> {
  const answer = CargoAudit.safeParse(parseJson(stdout));
  if (!answer.success) return failed(stderr);
  const found = answer.data.vulnerabilities.list.map(({ advisory, package: { name } }) => {
    return { name, severity: advisory.id, title: advisory.title, url: advisory.url ?? "" };
  });
  return { ok: true, value: found };
}

/** `pip index versions NAME`: the first line has the newest release. */
export function readPipIndex({ stdout, stderr, success }: Output): Answer<string> {
  const newest = stdout.match(/^\S+ \((\S+)\)$/m)?.[1];
  if (!success || newest === undefined) {
    return failed(stderr.replace(/^WARNING: pip index.*$/m, ""));
  }
  return { ok: true, value: newest };
}

const PipAudit = z.object({
  dependencies: z.array(z.object({
    name: z.string(),
    skip_reason: z.string().optional(),
    vulns: z.array(z.object({ id: z.string(), description: z.string() })).default([]),
  })),
});

/** `pip-audit --format json`. It fails when there are advisories, and leaves out what it could not ask for. */
export function readPipAudit({ stdout, stderr }: Output): Answer<readonly Advisory[]> {
  const answer = PipAudit.safeParse(parseJson(stdout));
  if (!answer.success) return failed(stderr);
  const { dependencies } = answer.data;
  const skipped = dependencies.find(({ skip_reason }) => skip_reason !== undefined);
  if (skipped !== undefined) return failed(skipped.skip_reason ?? "");
  const found = dependencies.flatMap(({ name, vulns }) => {
    return vulns.map(({ id, description }) => {
      return { name, severity: id, title: description.split("\n")[0], url: "" };
    });
  });
  return { ok: true, value: found };
}
