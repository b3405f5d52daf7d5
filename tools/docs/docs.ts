/**
 * `deno task docs`: writes the documents that are made of what the sources say.
 *
 * usage: deno task docs [--check]
 *
 * With `--check` it writes nothing, names those that are out of date, and fails if there are any. A test does the
 * same in CI.
 */
import { compareDocument, GENERATED_DOCUMENTS, writeDocuments } from "./generated.ts";

const [option, ...rest] = Deno.args;
if (rest.length > 0 || (option !== undefined && option !== "--check")) {
  console.error("usage: deno task docs [--check]");
  Deno.exit(2);
}
if (option === undefined) {
  const written = await writeDocuments(GENERATED_DOCUMENTS);
  for (const path of written) console.log(`written: ${path}`);
  if (written.length === 0) console.log("all documents are up to date");
} else {
  let isStale = false;
  for (const document of GENERATED_DOCUMENTS) {
    const { present, wanted } = await compareDocument(document);
    if (present === wanted) continue;
    console.error(`${document.path} is out of date: deno task docs writes it`);
    isStale = true;
  }
  if (isStale) Deno.exit(1);
}
