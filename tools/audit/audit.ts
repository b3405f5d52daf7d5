/**
 * `deno task audit`: which of the parts that lanparty is made of, or built and tested with, have a newer
 * release or an advisory. It only tells: whatever it finds, and without a network, too, it ends well. It asks
 * by npm, cargo and pip, and for advisories also by cargo-audit and pip-audit where they are installed.
 */
import {
  type Advisory,
  type Answer,
  failed,
  type Output,
  readCargoAudit,
  readCargoInfo,
  readNpmAudit,
  readNpmOutdated,
  readPipAudit,
  readPipIndex,
} from "./answers.ts";
import { cargoParts, npmParts, type Part, pipParts } from "./parts.ts";
import { type AuditedPart, formatAudit } from "./report.ts";
import { runTool } from "../build/build.ts";
import { listFiles } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { SYSTEM_CERTIFICATES } from "../build/prerequisites.ts";
import { findCommand, searchPath } from "../build/process.ts";
import { say } from "../build/progress.ts";
import { findPython } from "../build/python_packages.ts";
import { DENO_VERSION } from "../build/runtime.ts";

/** What has not answered by then has no answer. */
const AUDIT_MS_MAX = 90_000;
/** Questions at a time. */
const QUESTIONS_MAX = 4;

const CARGO_LOCK = `${ROOT}/tools/msquic/Cargo.lock`;
const DONOR = "bids-validator-deno";

/** No question is repeated: a registry that does not answer is one that cannot be reached. */
const PATIENCE: Readonly<Record<string, string>> = {
  npm_config_audit: "true",
  npm_config_fetch_retries: "0",
  npm_config_update_notifier: "false",
  CARGO_NET_RETRY: "0",
  PIP_RETRIES: "0",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
};

/** Asks by commands, all of them within one time. */
class Questions {
  readonly #signal = AbortSignal.timeout(AUDIT_MS_MAX);
  readonly #folder: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs a command in the empty folder, when it is its turn; reads what it says. */
  async ask<Value>(
    [program, ...args]: readonly string[],
    read: (output: Output) => Answer<Value>,
    cwd = this.#folder,
  ): Promise<Answer<Value>> {
    if (this.#running >= QUESTIONS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      if (this.#signal.aborted) return failed("no time was left");
      const { stdout, stderr, success } = await new Deno.Command(program, {
        args,
        cwd,
        env: { PATH: searchPath(), LC_ALL: "C.UTF-8", ...PATIENCE, ...await certificates() },
        stdin: "null",
        signal: this.#signal,
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      if (this.#signal.aborted) return failed("no answer in time");
      return read({ stdout: text(stdout), stderr: text(stderr), success });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return failed(`${program} is not installed`);
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

async function certificates(): Promise<Record<string, string>> {
  const found = await Deno.stat(SYSTEM_CERTIFICATES).catch(() => undefined);
  return found === undefined ? {} : { PIP_CERT: SYSTEM_CERTIFICATES };
}

/** The packages of all requirements files. */
async function allPipParts(): Promise<Part[]> {
  const files: string[] = [];
  for (const folder of ["tools", "tests"]) {
    const found = await listFiles(`${ROOT}/${folder}`);
    files.push(
      ...found.filter((path) => /(^|\/)(requirements|reference)\.txt$/.test(path))
        .map((path) => `${ROOT}/${folder}/${path}`),
    );
  }
  const texts = await Promise.all(files.map((path) => Deno.readTextFile(path)));
  const parts = new Map(
    texts.flatMap(pipParts).map((part) => [`${part.name}@${part.version}`, part]),
  );
  return [...parts.values()].map((part) => {
    if (part.name === DONOR) return { ...part, remark: "the runtime in it must be of our Deno" };
    return part.name === "deno" ? { ...part, remark: "what that runtime is compared with" } : part;
  });
}

/** Asks npm for newer versions of what we import, and for advisories on all that is in the lock file. */
async function askNpm(questions: Questions, folder: string): Promise<{
  readonly parts: AuditedPart[];
  readonly advisories: Answer<readonly Advisory[]>;
}> {
  const { direct, all } = npmParts(await Deno.readTextFile(`${ROOT}/deno.lock`));
  const remark = "which builds all; the runtime must be of the same version";
  const deno: Part = { source: "npm", name: "deno", version: DENO_VERSION, remark };
  const parts = [deno, ...direct];
  const project = { name: "lanparty-audit", version: "0.0.0", private: true };
  const dependencies = Object.fromEntries(parts.map(({ name, version }) => [name, version]));
  await writeJson(`${folder}/outdated`, "package.json", { ...project, dependencies });
  // Each version of each package, under a name of its own: so npm asks for these and no others.
  const aliases = [deno, ...all].map((part, index) => ({ alias: `part${index}`, ...part }));
  const aliased = Object.fromEntries(
    aliases.map(({ alias, name, version }) => [alias, `npm:${name}@${version}`]),
  );
  await writeJson(`${folder}/audit`, "package.json", { ...project, dependencies: aliased });
  await writeJson(`${folder}/audit`, "package-lock.json", {
    ...project,
    lockfileVersion: 3,
    packages: {
      "": { ...project, dependencies: aliased },
      ...Object.fromEntries(
        aliases.map(({ alias, name, version }) => [`node_modules/${alias}`, { name, version }]),
      ),
    },
  });
  const [newest, advisories] = await Promise.all([
    questions.ask(["npm", "outdated", "--json"], readNpmOutdated, `${folder}/outdated`),
    questions.ask(["npm", "audit", "--json"], readNpmAudit, `${folder}/audit`),
  ]);
  const audited = parts.map((part): AuditedPart => {
    if (!newest.ok) return { ...part, newest };
    const value = newest.value.get(part.name);
    return {
      ...part,
      newest: value === undefined ? failed("npm left it out") : { ok: true, value },
    };
  });
  return { parts: audited, advisories };
}

async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(value));
}

async function askCargo(questions: Questions): Promise<{
  readonly parts: AuditedPart[];
  readonly advisories: Answer<readonly Advisory[]>;
}> {
  const parts = cargoParts(await Deno.readTextFile(CARGO_LOCK));
  const audited = parts.map(async (part): Promise<AuditedPart> => {
    const command = ["cargo", "info", "--quiet", part.name];
    return { ...part, newest: await questions.ask(command, readCargoInfo) };
  });
  const hasAudit = await findCommand("cargo-audit") !== undefined;
  const advisories = hasAudit
    ? await questions.ask(["cargo", "audit", "--json", "--file", CARGO_LOCK], readCargoAudit)
    : failed("cargo-audit is not installed");
  return { parts: await Promise.all(audited), advisories };
}

async function askPip(questions: Questions, folder: string): Promise<{
  readonly parts: AuditedPart[];
  readonly advisories: Answer<readonly Advisory[]>;
}> {
  const parts = await allPipParts();
  const pip = [await findPython(), "-m", "pip"];
  const audited = parts.map(async (part): Promise<AuditedPart> => {
    const command = [...pip, "index", "versions", part.name];
    return { ...part, newest: await questions.ask(command, readPipIndex) };
  });
  const requirements = `${folder}/requirements.txt`;
  const lines = parts.map(({ name, version }) => `${name}==${version}\n`);
  await Deno.writeTextFile(requirements, lines.join(""));
  const command = ["pip-audit", "--format", "json", "--no-deps", "--disable-pip"];
  const advisories = await findCommand("pip-audit") === undefined
    ? failed("pip-audit is not installed")
    : await questions.ask([...command, "-r", requirements], readPipAudit);
  return { parts: await Promise.all(audited), advisories };
}

async function main(): Promise<number> {
  if (Deno.args.length > 0) {
    console.error("usage: deno task audit");
    return 2;
  }
  const folder = await Deno.makeTempDir({ prefix: "lanparty-audit-" });
  try {
    const questions = new Questions(folder);
    const [npm, cargo, pip] = await Promise.all([
      askNpm(questions, folder),
      askCargo(questions),
      askPip(questions, folder),
    ]);
    const parts = [...cargo.parts, ...npm.parts, ...pip.parts];
    const advisories = { cargo: cargo.advisories, npm: npm.advisories, pip: pip.advisories };
    for (const line of formatAudit({ parts, advisories })) say(line);
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) await runTool(main);
