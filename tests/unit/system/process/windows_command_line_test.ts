/** Windows' command lines: put together here, and taken apart as Windows does. */
import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { commandLine } from "../../../../src/system/process/windows_command_line.ts";

/** `CommandLineToArgvW`, by its documentation, behind the program's name. */
function takeApart(text: string): string[] {
  const args: string[] = [];
  let current = "";
  let isQuoted = false;
  let isOpen = false;
  const end = () => {
    if (isOpen) args.push(current);
    current = "";
    isOpen = false;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") {
      let slashes = 1;
      while (text[at + slashes] === "\\") slashes++;
      const isBeforeQuote = text[at + slashes] === '"';
      current += "\\".repeat(isBeforeQuote ? slashes >> 1 : slashes);
      isOpen = true;
      at += slashes - 1;
      if (isBeforeQuote && slashes % 2 === 1) {
        current += '"';
        at++;
      }
    } else if (character === '"') {
      isQuoted = !isQuoted;
      isOpen = true;
    } else if (/\s/.test(character) && !isQuoted) end();
    else {
      current += character;
      isOpen = true;
    }
  }
  end();
  return args;
}

Deno.test("arguments are quoted where they need it", () => {
  const table: [string[], string][] = [
    [["--room", "PARTY"], "--room PARTY"],
    [["--name", "Ann Bee"], '--name "Ann Bee"'],
    [[""], '""'],
    [["C:\\party dir\\"], '"C:\\party dir\\\\"'],
    [["C:\\party\\"], "C:\\party\\"],
    [['say "hi"'], '"say \\"hi\\""'],
    [['\\"'], '"\\\\\\""'],
    [["& del *", "%PATH%"], '"& del *" %PATH%'],
  ];
  for (const [args, expected] of table) {
    assertEquals(commandLine(args), expected);
    assertEquals(takeApart(expected), args);
  }
});

Deno.test("whatever the arguments, they come out as they went in", () => {
  const argument = fc.string({ unit: fc.constantFrom(..."ab \t\\\"'%^&=-ü") });
  fc.assert(fc.property(fc.array(argument), (args) => {
    assertEquals(takeApart(commandLine(args)), args);
  }));
});

Deno.test("a zero character would end the command line", () => {
  assertThrows(() => commandLine(["a\0b"]), TypeError, "zero character");
});
