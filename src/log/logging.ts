/**
 * Log output: LogTape with one sink that writes lines to standard error, as text for people or as JSON.
 *
 * Nothing per frame is logged here; frame records have a file of their own.
 *
 * @module
 */
import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  resetSync,
} from "@logtape/logtape";

import { LineOutput, standardErrorWriter } from "./line_output.ts";
import { isolated } from "../proto/clean_text.ts";

/** The levels of `--log-level`. */
export type LogLevelName = "error" | "warning" | "info" | "debug" | "trace";

/** The forms of `--log-format`. */
export type LogFormat = "text" | "json";

export type { Logger };

const output = new LineOutput(standardErrorWriter());
/** Back to the line's beginning, and the line emptied (ECMA-48: EL). */
const CLEAR_LINE = "\r\x1b[K";
/** The live line that stands under the log; it has no newline. */
let liveLine = "";
let showsText = false;
const COLUMNS_DEFAULT = 80;

/**
 * Sets the process's log output up; a second call replaces the first.
 *
 * @param common fields that stand behind those of every line
 */
export function configureLogging(
  level: LogLevelName,
  format: LogFormat,
  common: Readonly<Record<string, unknown>> = {},
): void {
  resetSync();
  const json = getJsonLinesFormatter({ properties: "flatten" });
  const formatter = format === "json" ? json : formatText;
  showsText = format === "text";
  const sink = (record: LogRecord) => {
    const line = formatter({ ...record, properties: { ...record.properties, ...common } });
    output.line(liveLine === "" ? line : `${CLEAR_LINE}${line}${liveLine}`);
  };
  configureSync({
    sinks: { stderr: sink },
    loggers: [
      { category: ["lanparty"], sinks: ["stderr"], lowestLevel: level as LogLevel },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
}

/** Whether a live line has a place: in a terminal that knows how to empty a line, under a log for people. */
export function canShowLiveLine(): boolean {
  return showsText && Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
}

/** Shows a line under the log, in place of the one before; an empty one takes it away. */
export function showLiveLine(text: string): void {
  if (text === "" && liveLine === "") return;
  // While a terminal is held (Ctrl-S) nothing is to be heaped up for it.
  if (text !== "" && !output.idle) return;
  liveLine = text.slice(0, Math.max(0, terminalColumns() - 1));
  output.line(`${CLEAR_LINE}${liveLine}`);
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS_DEFAULT;
  } catch {
    return COLUMNS_DEFAULT;
  }
}

/** The logger of one part: `relay`, `gateway`, `client`, `quic`. */
export function loggerOf(part: string): Logger {
  return getLogger(["lanparty", part]);
}

const LEVEL_TEXT: Readonly<Record<LogLevel, string>> = {
  trace: "trace: ",
  debug: "debug: ",
  info: "",
  warning: "warning: ",
  error: "error: ",
  fatal: "fatal: ",
};

/** `19:12:03 warning: text key=value …`; the name of an event is for programs only. */
function formatText(record: LogRecord): string {
  const time = new Date(record.timestamp).toTimeString().slice(0, 8);
  const message = record.message.map((part) => typeof part === "string" ? part : String(part))
    .join("");
  const fields = Object.entries(record.properties)
    .filter(([key, value]) => value !== undefined && key !== "event")
    .map(([key, value]) => ` ${key}=${formatFieldValue(value)}`);
  return `${time} ${LEVEL_TEXT[record.level]}${message}${fields.join("")}\n`;
}

/**
 * A field's value in a line of text. Only one plain word stands without quotes: a player who is called
 * `x address=192.0.2.1` must not be taken for another field, nor may a name that runs from right to left
 * turn the fields around it.
 */
export function formatFieldValue(value: unknown): string {
  const isPlain = typeof value === "string" && /^[^\s"=]+$/.test(value);
  return isolated(isPlain ? value : JSON.stringify(value));
}

/** Logs a text that may hold braces (LogTape's placeholders) as it is, with fields beside it. */
export function logText(
  logger: Logger,
  level: LogLevelName,
  text: string,
  fields: Record<string, unknown> = {},
): void {
  const escaped = text.replaceAll("{", "{{").replaceAll("}", "}}");
  if (level === "error") logger.error(escaped, fields);
  else if (level === "warning") logger.warn(escaped, fields);
  else if (level === "info") logger.info(escaped, fields);
  else if (level === "debug") logger.debug(escaped, fields);
  else logger.trace(escaped, fields);
}
