/** A double-clicked client: what it asks for, and the file beside it. */
import { assertEquals, assertMatch } from "@std/assert";
import { parseCommandLine } from "../../src/cli/options.ts";
import { askForArguments, CONFIG_NAME, type Dialog } from "../../src/cli/own_window.ts";
import { CLIENT_PROGRAM } from "../../src/cli/programs.ts";
import { readConfigFile } from "../../src/cli/config_file.ts";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA";

/** A player who gives these answers, and then closes the window. */
class Player implements Dialog {
  readonly heard: string[] = [];
  readonly #answers: string[];

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  say(text: string): void {
    this.heard.push(text);
  }

  ask(question: string): string | undefined {
    this.heard.push(question);
    return this.#answers.shift();
  }
}

/** A folder whose files are found with a backslash in front of them, as on Windows. */
async function inFolder(run: (folder: string, file: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-window-" });
  try {
    run(folder, `${folder}\\${CONFIG_NAME}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(`${folder}\\${CONFIG_NAME}`).catch(() => {});
  }
}

Deno.test("the player is asked for relay, fingerprint, room and key, and is kept in mind", async () => {
  await inFolder((folder, file) => {
    const player = new Player("relay.example.org", "", "PARTY", KEY, "y", "");
    const args = askForArguments(CLIENT_PROGRAM, folder, player);
    assertEquals(args, [
      ...["--relay", "relay.example.org", "--room", "PARTY", "--room-key", KEY],
      "--allow-inbound",
    ]);
    assertEquals(parseCommandLine(CLIENT_PROGRAM, args ?? []).kind, "run");
    assertMatch(player.heard.at(-1)!, /^Kept in /);
    const kept = readConfigFile(CLIENT_PROGRAM, file);
    assertEquals(typeof kept === "string" ? kept : Object.fromEntries(kept), {
      relay: ["relay.example.org"],
      room: ["PARTY"],
      "room-key": [KEY],
      "allow-inbound": true,
    });
    // The next time there is one thing to confirm.
    const next = new Player("");
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, next), ["--config", file]);
    assertMatch(next.heard[0], /room PARTY on the relay relay\.example\.org/);
    // Or a report is wanted, which a window without a console could not be asked for otherwise.
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, new Player("d")), ["doctor"]);
    // Or everything is asked again, for another party, and kept in the place of the first.
    const other = new Player("n", "other.example.org", "", "SECOND", "", "", "y");
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, other), [
      ...["--relay", "other.example.org", "--room", "SECOND"],
    ]);
    const again = new Player("");
    askForArguments(CLIENT_PROGRAM, folder, again);
    assertMatch(again.heard[0], /room SECOND on the relay other\.example\.org/);
  });
});

Deno.test("a wrong answer is explained, and asked for again, but not for ever", async () => {
  await inFolder((folder) => {
    const player = new Player(
      "relay",
      "",
      "much too long a room for a room",
      "PARTY",
      "x",
      "",
      "n",
    );
    const args = askForArguments(CLIENT_PROGRAM, folder, player);
    assertEquals(args, ["--relay", "relay", "--room", "PARTY"]);
    assertEquals(player.heard.filter((line) => line.startsWith("  ")), [
      '  "much too long a room for a room": expected 1 to 32 of A-Z, 0-9 and -',
      "  expected a key of 22 characters",
    ]);
    const stubborn = new Player(...Array<string>(9).fill("::"));
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, stubborn), undefined);
    assertMatch(stubborn.heard.at(-1)!, /Ask your host what to answer/);
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, new Player()), undefined);
  });
});

Deno.test("a report can be had before anything was kept", async () => {
  await inFolder((folder) => {
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, new Player("d")), ["doctor"]);
    const named = askForArguments(
      CLIENT_PROGRAM,
      folder,
      new Player("d:443", "", "A", "", "", "n"),
    );
    assertEquals(named, ["--relay", "d:443", "--room", "A"]);
  });
});

Deno.test("what the player does not want to keep is not written", async () => {
  await inFolder((folder, file) => {
    askForArguments(CLIENT_PROGRAM, folder, new Player("relay", "", "PARTY", "", "", "no"));
    assertMatch(String(readConfigFile(CLIENT_PROGRAM, file)), /cannot be read/);
  });
});

Deno.test("a file that is wrong goes to the usual message about it", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(file, "room = \n");
    const args = askForArguments(CLIENT_PROGRAM, folder, new Player());
    assertEquals(args, ["--config", file]);
    const parsed = parseCommandLine(CLIENT_PROGRAM, args ?? [], readConfigFile);
    assertEquals(parsed.kind, "usage-error");
  });
});

Deno.test("a file cannot paint over what the player reads", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(
      file,
      'room = "PARTY"\nrelay = "relay.example.org"\nname = "\\u001b[2J"',
    );
    const player = new Player();
    assertEquals(askForArguments(CLIENT_PROGRAM, folder, player), undefined);
    assertEquals(player.heard.some((line) => line.includes("\x1b")), false);
  });
});
