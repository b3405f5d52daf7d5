/** The house writes things in one way; and each rule finds what it is there for. */
import { assertEquals } from "@std/assert";
import { readSources } from "./source.ts";
import { findSmallLogTexts } from "./word_rules.ts";

const sources = readSources(["src"]);

Deno.test("a log line begins with a capital letter", () => {
  assertEquals(sources.flatMap(findSmallLogTexts), []);
});

Deno.test("the rule on log lines finds small ones, in all forms", () => {
  const text = [
    'logText(logger, "info", "peer joined");',
    'logText(logger, "info", "Peer joined");',
    "logText(logger, level, `cannot ${why}`, {});",
    "logText(logger, level, `${why}: stopping`);",
    'outbox.log("info", isNew ? "room made" : "Room found", {});',
    'this.note(isAsked ? "warning" : "error", "a worker " + what, {});',
    'logText(logger, "info", "lanparty-client runs already");',
    "math.log(2, 3);",
  ].join("\n");
  const found = findSmallLogTexts({ path: "src/relay/example.ts", text });
  assertEquals(found.map((one) => Number(one.split(":")[1])), [1, 3, 5, 6]);
});
