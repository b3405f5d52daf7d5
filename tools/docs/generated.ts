/** All documents of the repository that are made, whole or in part, of what the sources say. */
import { formatDropsDocument } from "./drops.ts";
import { withFolderTable } from "./folders.ts";
import { formatInboundDocument } from "./inbound.ts";
import { formatLanAnswersDocument } from "./lan_answers.ts";
import { formatMistakesDocument } from "./mistakes.ts";
import { performancePage, pingHistograms, pingMinute } from "./performance.ts";
import { formatProtocolCoverage } from "./protocol_coverage.ts";
import { formatSentencesDocument } from "./sentences.ts";
import { windowsTable } from "./windows_calls.ts";

const ROOT = new URL("../../", import.meta.url);

/** A document that is made. */
export interface GeneratedDocument {
  /** Its path from the repository's root. */
  readonly path: string;
  /** Its text as it should be, from the text that is there now: what others have written in it stays. */
  readonly make: (present: string) => string | Promise<string>;
}

/** Every one of them, in the order of their paths. */
export const GENERATED_DOCUMENTS: readonly GeneratedDocument[] = [
  { path: "ARCHITECTURE.md", make: withFolderTable },
  { path: "docs/DROPS.md", make: formatDropsDocument },
  { path: "docs/INBOUND.md", make: formatInboundDocument },
  { path: "docs/LAN-ANSWERS.md", make: formatLanAnswersDocument },
  { path: "docs/MISTAKES.md", make: formatMistakesDocument },
  { path: "docs/PERFORMANCE.md", make: performancePage },
  { path: "docs/performance/ping-histograms.svg", make: pingHistograms },
  { path: "docs/performance/ping-minute.svg", make: pingMinute },
  { path: "docs/PROTOCOL-COVERAGE.md", make: formatProtocolCoverage },
  { path: "docs/SENTENCES.md", make: formatSentencesDocument },
  { path: "docs/WINDOWS.md", make: windowsTable },
];

/** What a document says, and what it should. One that is not there yet says nothing. */
export async function compareDocument(
  { path, make }: GeneratedDocument,
): Promise<{ readonly present: string; readonly wanted: string }> {
  const present = await Deno.readTextFile(new URL(path, ROOT)).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  return { present, wanted: await make(present) };
}

/** Writes those that are out of date. @returns their paths */
export async function writeDocuments(documents: readonly GeneratedDocument[]): Promise<string[]> {
  const written: string[] = [];
  for (const document of documents) {
    const { present, wanted } = await compareDocument(document);
    if (present === wanted) continue;
    await Deno.writeTextFile(new URL(document.path, ROOT), wanted);
    written.push(document.path);
  }
  return written;
}
