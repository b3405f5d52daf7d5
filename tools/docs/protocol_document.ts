/** What PROTOCOL.md requires, read out of its text: sentences and rows of tables. */

/** Something that the document requires. */
export interface Requirement {
  /** The number of its section, such as `9.1`. */
  readonly section: string;
  /** Its words, on one line. */
  readonly text: string;
}

/** A section of the document: its number, its title, and what stands in it before the next heading. */
export interface Section {
  readonly number: string;
  readonly title: string;
  /** Its text on one line. */
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

/** Sections that say what has to be done. The others explain, or list what these say. */
const REQUIRING = /^([3-9]|1[0-2])(\.|$)/;

/**
 * Words by which a sentence requires something: those of the document's head ("must", "should"), and those by which
 * it says what a side does, or what comes of a mistake.
 */
const REQUIRING_WORDS = new RegExp(
  `\\b(${
    [
      ..."must should may never only exactly ignored ignores drops dropped refused cleared".split(
        " ",
      ),
      ..."bounds bounded final closes closed waits sends gets repeat forwards overwrites counts"
        .split(" "),
      ..."malformed passes pass stays stay holds disconnect protocol-error".split(" "),
      ...[
        "at most",
        "at least",
        "not more than",
        "taken out",
        "given up",
        "is a \\*\\*",
        "is \\*\\*",
      ],
    ].join("|")
  })`,
);

/** A sentence that draws a conclusion from others, or leads to a table. */
const CONCLUDING = /^(So|Right behind) /;

/** A row that says something: no line between head and rows, and no title within a table. */
const ROW = /^\|(?![-| ]*$)(?![ |]*\*[^*]+\* \|)/;

/** The document's sections, in their order. */
export function readSections(document: string): Section[] {
  return document.split(/^(?=#{2,3} )/m).flatMap((part) => {
    const heading = /^#{2,3} (\d+(?:\.\d+)?)\.? (.*)\n/.exec(part);
    if (heading === null) return [];
    const [head, number, title] = heading;
    const blocks = readBlocks(part.slice(head.length));
    const requirements = REQUIRING.test(number) ? blocks.flatMap(requirementsOf) : [];
    return [{
      number,
      title,
      text: blocks.join(" "),
      requirements: requirements.map((text) => ({ section: number, text })),
    }];
  });
}

/** Paragraphs, items of lists and rows of tables, each on one line, without drawings and examples. */
function readBlocks(text: string): string[] {
  const blocks: string[] = [];
  let isOpen = false;
  let isHead = true;
  for (const line of text.replaceAll(/^```[^]*?^```$/gm, "").split("\n")) {
    const words = line.trim();
    if (ROW.test(words)) {
      // The first row of a table names its columns.
      if (!isHead) blocks.push(words);
      isHead = false;
      isOpen = false;
    } else if (words === "") {
      isOpen = false;
      isHead = true;
    } else if (words.startsWith("|")) isOpen = false;
    else if (isOpen && !/^(- |\d+\. )/.test(line)) blocks.push(`${blocks.pop()} ${words}`);
    else {
      blocks.push(words.replace(/^(- |\d+\. )/, ""));
      isOpen = true;
    }
  }
  return blocks;
}

function requirementsOf(block: string): string[] {
  if (block.startsWith("|")) return [block];
  return block.split(/(?<=\.\)?) (?=[A-Z`*])/).filter((sentence) =>
    REQUIRING_WORDS.test(sentence) && !CONCLUDING.test(sentence)
  );
}
