/** The audit's pure parts, on what npm, cargo and pip have answered. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Answer,
  type Output,
  readCargoAudit,
  readCargoInfo,
  readNpmAudit,
  readNpmOutdated,
  readPipAudit,
  readPipIndex,
} from "../../../tools/audit/answers.ts";
import { cargoParts, npmParts, pipParts } from "../../../tools/audit/parts.ts";
import { type Audit, formatAudit } from "../../../tools/audit/report.ts";
import { compareVersions } from "../../../tools/audit/versions.ts";

Deno.test("versions rank as npm, cargo and pip rank them", () => {
  const ascending = [
    ["1.2.3", "1.2.4", "1.2.10", "1.10.0", "2.0.0"],
    ["2.5.1-alpha", "2.5.1-beta", "2.5.1-beta.1", "2.5.1", "2.6.0-beta3", "2.6.0-beta10", "2.6.0"],
    ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta"],
    ["300.5.0+3.5.0", "300.5.4+3.5.4", "400.0.2+4.0.3"],
    ["2.0.0.dev1", "2.0.0"],
    ["4.0a1", "4.0b2", "4.0rc1", "4.0", "4.0.post1", "4.1"],
    ["2026.10.19", "2026.10.19.post1", "2026.11.1"],
  ];
  for (const versions of ascending) {
    for (const [i, a] of versions.entries()) {
      for (const [j, b] of versions.entries()) {
        assertEquals(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} and ${b}`);
      }
    }
  }
  assertEquals(compareVersions("1.2", "1.2.0"), 0);
  assertEquals(compareVersions("v1.2.3", "1.2.3"), 0);
  assertEquals(compareVersions("300.5.4+3.5.4", "300.5.4"), 0);
});

Deno.test("npm packages are those of deno.lock", () => {
  const lock = JSON.stringify({
    version: "5",
    specifiers: {
      "npm:@peculiar/x509@1.14.3": "1.14.3",
      "npm:puppeteer-core@25.16.0": "25.16.0_devtools-protocol@0.0.1704951",
      "jsr:@std/assert@1": "1.0.0",
    },
    npm: {
      "@peculiar/x509@1.14.3": { integrity: "sha512-…" },
      "puppeteer-core@25.16.0_devtools-protocol@0.0.1704951": {},
      "puppeteer-core@25.16.0": {},
      "tslib@1.14.1": {},
      "tslib@2.9.1": {},
    },
    workspace: {},
  });
  const { direct, all } = npmParts(lock);
  assertEquals(direct, [
    { source: "npm", name: "@peculiar/x509", version: "1.14.3" },
    { source: "npm", name: "puppeteer-core", version: "25.16.0" },
  ]);
  assertEquals(all.map(({ name, version }) => `${name} ${version}`), [
    ...["@peculiar/x509 1.14.3", "puppeteer-core 25.16.0", "tslib 1.14.1", "tslib 2.9.1"],
  ]);
  assertThrows(() => npmParts(`{"specifiers":{},"npm":{"nothing":{}}}`), Error, "nothing");
});

Deno.test("crates are those that our own package asks for, and pip's packages those of its file", () => {
  const lock = `version = 3
[[package]]
name = "cmake"
version = "0.1.54"
source = "registry+…"

[[package]]
name = "lanparty-msquic-source"
version = "0.0.0"
dependencies = ["msquic", "openssl-src 300.5.4+3.5.4"]

[[package]]
name = "msquic"
version = "2.5.1-beta"
source = "registry+…"
dependencies = ["cmake"]

[[package]]
name = "openssl-src"
version = "300.5.4+3.5.4"
source = "registry+…"
`;
  assertEquals(cargoParts(lock).map(({ name, version }) => `${name} ${version}`), [
    ...["msquic 2.5.1-beta", "openssl-src 300.5.4+3.5.4"],
  ]);
  const requirements = `# what attacks need
aioquic==1.7.2 \\
    --hash=sha256:0123
cryptography[ssh]==50.0.2 ; python_version > "3.8" --hash=sha256:4567
`;
  assertEquals(pipParts(requirements), [
    { source: "pip", name: "aioquic", version: "1.7.2" },
    { source: "pip", name: "cryptography", version: "50.0.2" },
  ]);
});

/** An output that was not an error, unless said otherwise. */
function output(stdout: string, more: Partial<Output> = {}): Output {
  return { stdout, stderr: "", success: true, ...more };
}

function ok<Value>(value: Value): Answer<Value> {
  return { ok: true, value };
}

const NPM_OUTDATED = `{
  "zod": { "wanted": "4.6.7", "latest": "4.6.7", "dependent": "lanparty-audit" },
  "@peculiar/x509": { "wanted": "1.14.3", "latest": "2.2.0", "dependent": "lanparty-audit" }
}`;

const NPM_AUDIT = `{
  "auditReportVersion": 2,
  "vulnerabilities": {
    "smol-toml": {
      "name": "smol-toml",
      "severity": "moderate",
      "isDirect": true,
      "via": [
        {
          "source": 1098,
          "name": "smol-toml",
          "dependency": "smol-toml",
          "title": "Denial of service by many commented lines",
          "url": "https://example.org/GHSA-aaaa-bbbb-cccc",
          "severity": "moderate",
          "cwe": ["CWE-674"],
          "cvss": { "score": 5.3, "vectorString": null },
          "range": "<1.9.2"
        }
      ],
      "effects": ["other"],
      "range": "",
      "nodes": ["node_modules/part1"],
      "fixAvailable": false
    },
    "other": { "name": "other", "severity": "moderate", "via": ["smol-toml"], "effects": [] }
  },
  "metadata": { "vulnerabilities": { "total": 2 } }
}`;

Deno.test("npm's answers", () => {
  const newest = readNpmOutdated(output(NPM_OUTDATED, { success: false }));
  assertEquals(newest, ok(new Map([["zod", "4.6.7"], ["@peculiar/x509", "2.2.0"]])));
  const error =
    `{ "error": { "code": "EAI_AGAIN", "summary": "getaddrinfo EAI_AGAIN", "detail": "" } }`;
  const none = { ok: false, why: "getaddrinfo EAI_AGAIN" } as const;
  assertEquals(readNpmOutdated(output(error, { success: false })), none);
  assertEquals(
    readNpmOutdated(output("", { stderr: "npm error code E500\nnpm error a fault\n" })),
    {
      ok: false,
      why: "a fault",
    },
  );
  assertEquals(
    readNpmAudit(output(NPM_AUDIT, { success: false })),
    ok([{
      name: "smol-toml",
      severity: "moderate",
      title: "Denial of service by many commented lines",
      url: "https://example.org/GHSA-aaaa-bbbb-cccc",
    }]),
  );
  assertEquals(readNpmAudit(output(`{ "vulnerabilities": {} }`)), ok([]));
  const refused = `{ "message": "405 Method Not Allowed", "method": "POST", "statusCode": 405,
    "body": "", "error": { "summary": "", "detail": "" } }`;
  assertEquals(readNpmAudit(output(refused)), { ok: false, why: "405 Method Not Allowed" });
  assertEquals(readNpmAudit(output("nonsense")), { ok: false, why: "no answer" });
});

Deno.test("cargo's answers", () => {
  const newest = "msquic #quic\nMicrosoft's QUIC\nversion: 2.5.1-beta\nlicense: MIT\n";
  assertEquals(readCargoInfo(output(newest)), ok("2.5.1-beta"));
  const older = "openssl-src\nversion: 300.6.1+3.6.3 (latest 400.0.2+4.0.3)\nlicense: MIT\n";
  assertEquals(readCargoInfo(output(older)), ok("400.0.2+4.0.3"));
  const linked = "x\nversion: 1.0.0 (latest 1.1.0 from ./here)\n";
  assertEquals(readCargoInfo(output(linked, { success: false })).ok, false);
  const stderr =
    "    Updating crates.io index\nerror: download of config.json failed\n\nCaused by:\n";
  assertEquals(readCargoInfo(output("", { stderr, success: false })), {
    ok: false,
    why: "download of config.json failed",
  });
  const old = { stderr: "error: no such subcommand: `info`\n", success: false };
  assertEquals(readCargoInfo(output("", old)), { ok: false, why: "no such subcommand: `info`" });
  const audit = `{ "vulnerabilities": { "found": true, "count": 1, "list": [ {
    "advisory": { "id": "RUSTSEC-2026-0001", "package": "openssl-src", "title": "A fault",
      "url": "https://example.org/a" },
    "versions": { "patched": [">=300.5.5"] },
    "package": { "name": "openssl-src", "version": "300.5.4" } } ] }, "warnings": {} }`;
  assertEquals(
    readCargoAudit(output(audit, { success: false })),
    ok([{
      name: "openssl-src",
      severity: "RUSTSEC-2026-0001",
      title: "A fault",
      url: "https://example.org/a",
    }]),
  );
  assertEquals(readCargoAudit(output("", { stderr: "error: couldn't fetch" })), {
    ok: false,
    why: "couldn't fetch",
  });
});

Deno.test("pip's answers", () => {
  const warning = "WARNING: pip index is currently an experimental command. It may be removed.\n";
  const newest = "aioquic (1.7.2)\nAvailable versions: 1.7.2, 1.7.1\n";
  assertEquals(readPipIndex(output(newest, { stderr: warning })), ok("1.7.2"));
  const stderr = `${warning}WARNING: Retrying\nERROR: No matching distribution found for aioquic\n`;
  assertEquals(readPipIndex(output("", { stderr, success: false })), {
    ok: false,
    why: "No matching distribution found for aioquic",
  });
  const audit = `{ "dependencies": [
    { "name": "attrs", "version": "26.1.0", "vulns": [] },
    { "name": "jinja2", "version": "2.10", "vulns": [
      { "id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [],
        "description": "The sandbox can be left.\\nMore." } ] } ], "fixes": [] }`;
  assertEquals(
    readPipAudit(output(audit, { success: false })),
    ok([{
      name: "jinja2",
      severity: "PYSEC-2019-217",
      title: "The sandbox can be left.",
      url: "",
    }]),
  );
  const skipped =
    `{ "dependencies": [ { "name": "a", "skip_reason": "a could not be audited" } ] }`;
  assertEquals(readPipAudit(output(skipped)), { ok: false, why: "a could not be audited" });
});

const PARTS: Audit["parts"] = [
  { source: "cargo", name: "msquic", version: "2.5.1-beta", newest: ok("2.5.1-beta") },
  { source: "npm", name: "deno", version: "2.6.8", newest: ok("2.9.6"), remark: "pinned" },
  { source: "npm", name: "puppeteer-core", version: "25.16.0", newest: ok("24.43.1") },
  { source: "pip", name: "aioquic", version: "1.7.2", newest: { ok: false, why: "no network" } },
  { source: "pip", name: "attrs", version: "26.1.0", newest: { ok: false, why: "no network" } },
];

Deno.test("the table names what is newer, what is known against it, and what nobody has answered", () => {
  const advisory = { name: "ws", severity: "high", title: "A fault", url: "https://example.org/1" };
  const lines = formatAudit({
    parts: PARTS,
    advisories: { cargo: { ok: false, why: "not installed" }, npm: ok([advisory]), pip: ok([]) },
  });
  assertEquals(lines, [
    "part            by     ours        newest",
    "msquic          cargo  2.5.1-beta  2.5.1-beta",
    "deno            npm    2.6.8       2.9.6       newer  pinned",
    "puppeteer-core  npm    25.16.0     24.43.1",
    "aioquic         pip    1.7.2       ?",
    "attrs           pip    26.1.0      ?",
    "",
    "advisories by cargo: not known (not installed)",
    "advisory by npm: ws: A fault (high) https://example.org/1",
    "advisories by pip: none",
    "newest by pip: not known (no network)",
    "audit: 1 of 5 parts have a newer release, of 2 that is not known; 1 advisories, and 1 of the " +
    "sources did not answer",
  ]);
});

Deno.test("that nothing was answered is not the same as nothing against it", () => {
  const silent = { ok: false, why: "no network" } as const;
  const advisories = { cargo: silent, npm: silent, pip: silent };
  const known = PARTS.filter(({ newest }) => newest.ok);
  assertEquals(
    formatAudit({ parts: known, advisories }).at(-1),
    "audit: 1 of 3 parts have a newer release; whether there are advisories is not known",
  );
  const [first] = PARTS;
  const mixed = formatAudit({
    parts: [
      { ...first, newest: silent },
      ...PARTS.map((part) => ({ ...part, source: "cargo" as const })),
    ],
    advisories,
  });
  assertEquals(mixed.filter((line) => line.startsWith("newest by")), [
    "newest by cargo: not known for msquic (no network)",
    "newest by cargo: not known for aioquic (no network)",
    "newest by cargo: not known for attrs (no network)",
  ]);
});
