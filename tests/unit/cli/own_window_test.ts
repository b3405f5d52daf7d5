/** A double-clicked client: what it asks for, and the file beside it. */
import { assertEquals, assertMatch } from "@std/assert";
import { allOptions, parseCommandLine } from "../../../src/cli/options.ts";
import {
  askForArguments,
  besideOf,
  CONFIG_NAME,
  type WindowStart,
} from "../../../src/cli/own_window.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { formatInvite } from "../../../src/control/invite.ts";
import type { Invite } from "../../../src/control/invite_fields.ts";
import { readConfigFile } from "../../../src/cli/config_file.ts";
import { ScriptedPlayer } from "../../support/scripted_player.ts";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA";

/** The arguments of a start that was agreed to. */
function argsOf(start: WindowStart): readonly string[] {
  if (start.kind !== "start") throw new Error(JSON.stringify(start));
  return start.args;
}

/** A folder in which the program lies. */
async function inFolder(run: (folder: string, file: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-window-" });
  try {
    run(folder, `${folder}/${CONFIG_NAME}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the player is asked for relay, fingerprint, room and key, and is kept in mind", async () => {
  await inFolder((folder, file) => {
    const player = new ScriptedPlayer("relay.example.org", "", "PARTY", KEY, "y", "");
    const args = argsOf(askForArguments(CLIENT_PROGRAM, { folder }, player));
    assertEquals(args, [
      ...["--relay", "relay.example.org", "--room", "PARTY", "--room-key", KEY],
      "--allow-inbound",
    ]);
    assertEquals(parseCommandLine(CLIENT_PROGRAM, args).kind, "run");
    assertMatch(player.heard.at(-1)!, /^Kept in /);
    const kept = readConfigFile(CLIENT_PROGRAM, file);
    assertEquals(typeof kept === "string" ? kept : Object.fromEntries(kept), {
      relay: ["relay.example.org"],
      room: ["PARTY"],
      "room-key": [KEY],
      "allow-inbound": true,
    });
    // The next time there is little to confirm: what lets others in is asked for each time.
    const next = new ScriptedPlayer("", "y");
    const again = argsOf(askForArguments(CLIENT_PROGRAM, { folder }, next));
    const said = ["--relay=relay.example.org", "--room=PARTY", `--room-key=${KEY}`];
    assertEquals(again, [...said, "--allow-inbound"]);
    assertEquals(parseCommandLine(CLIENT_PROGRAM, again).kind, "run");
    assertEquals(next.heard.at(-1), "May the LAN reach games that you host on this PC? [y/N]");
    const shut = askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer("", ""));
    assertEquals(argsOf(shut), said);
    assertMatch(next.heard[0], /room PARTY on the relay relay\.example\.org/);
    // Or a report is wanted, which a window without a console could not be asked for otherwise.
    const report = askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer("d"));
    assertEquals(argsOf(report), ["doctor", "--relay=relay.example.org"]);
    // Or everything is asked again, for another party, and kept in the place of the first.
    const other = new ScriptedPlayer("n", "other.example.org", "", "SECOND", "", "", "y");
    assertEquals(argsOf(askForArguments(CLIENT_PROGRAM, { folder }, other)), [
      ...["--relay", "other.example.org", "--room", "SECOND"],
    ]);
    const second = new ScriptedPlayer("");
    askForArguments(CLIENT_PROGRAM, { folder }, second);
    assertMatch(second.heard[0], /room SECOND on the relay other\.example\.org/);
  });
});

Deno.test("a wrong answer is explained, and asked for again, but not for ever", async () => {
  await inFolder((folder) => {
    const player = new ScriptedPlayer(
      "relay",
      "",
      "much too long a room for a room",
      "PARTY",
      "x",
      "",
      "n",
    );
    const args = argsOf(askForArguments(CLIENT_PROGRAM, { folder }, player));
    assertEquals(args, ["--relay", "relay", "--room", "PARTY"]);
    assertEquals(player.heard.filter((line) => line.startsWith("  ")), [
      '  "much too long a room for a room": expected 1 to 32 of A-Z, 0-9 and -',
      "  this is no key: a room key begins with room_, or has 22 characters, and this has 1",
    ]);
    const stubborn = new ScriptedPlayer(...Array<string>(9).fill("::"));
    assertEquals(askForArguments(CLIENT_PROGRAM, { folder }, stubborn).kind, "given-up");
    assertMatch(stubborn.heard.at(-1)!, /Ask your host what to answer/);
    assertEquals(
      askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer()).kind,
      "given-up",
    );
  });
});

Deno.test("a report can be had before anything was kept", async () => {
  await inFolder((folder) => {
    const report = askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer("d"));
    assertEquals(argsOf(report), ["doctor"]);
    const named = askForArguments(
      CLIENT_PROGRAM,
      { folder },
      new ScriptedPlayer("d:443", "", "A", "", "", "n"),
    );
    assertEquals(argsOf(named), ["--relay", "d:443", "--room", "A"]);
  });
});

Deno.test("what the player does not want to keep is not written", async () => {
  await inFolder((folder, file) => {
    askForArguments(
      CLIENT_PROGRAM,
      { folder },
      new ScriptedPlayer("relay", "", "PARTY", "", "", "no"),
    );
    assertMatch(String(readConfigFile(CLIENT_PROGRAM, file)), /cannot be read/);
  });
});

Deno.test("a file that is wrong is not used, and it is said why", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(file, "room = \n");
    const player = new ScriptedPlayer();
    const start = askForArguments(CLIENT_PROGRAM, { folder }, player);
    assertEquals(start.kind === "refused" && start.message.startsWith(`${file}:1: `), true);
    assertEquals(player.heard, []);
  });
});

Deno.test("what a file beside the program opens is asked for one by one", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(
      file,
      'relay = "r"\nroom = "A"\nname = "Ann"\nallow-lan-default-route = true\n' +
        'allow-inbound = true\ntap-name = "tap7"\nno-dhcp = false\n',
    );
    const plain = ["--relay=r", "--room=A", "--name=Ann"];
    const wishes = ["--tap-name=tap7", "--allow-lan-default-route", "--allow-inbound"];
    const cases: [string[], string[]][] = [
      [["", "", "", ""], []],
      [["", "n", "no", "N"], []],
      [["", "y", "", ""], [wishes[0]]],
      [["", "", "Yes", ""], [wishes[1]]],
      [["", "y", "y", "y"], wishes],
    ];
    for (const [answers, more] of cases) {
      const player = new ScriptedPlayer(...answers);
      const start = askForArguments(CLIENT_PROGRAM, { folder }, player);
      assertEquals(argsOf(start), [...plain, ...more]);
      assertEquals(player.heard.slice(-4), [
        "lanparty.toml wants more. Say yes only to what your host has told you of.",
        'May the party use the network adapter "tap7" of this PC? [y/N]',
        "May the LAN take over this PC's way to the internet, and look up names for it? [y/N]",
        "May the LAN reach games that you host on this PC? [y/N]",
      ]);
    }
    // A window that is closed is no yes.
    assertEquals(
      askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer("", "y")).kind,
      "given-up",
    );
  });
});

Deno.test("a file beside the program names no files, and sets nothing that only its player can know", async () => {
  const refused = {
    "frame-log": "C:\\\\Windows\\\\System32\\\\drivers\\\\etc\\\\hosts",
    "state-dir": "C:\\\\x",
    "relay-ca-cert": "x",
    "room-key-file": "x",
    "address": "8.8.8.8/1",
  };
  for (const [name, value] of Object.entries(refused)) {
    await inFolder((folder, file) => {
      Deno.writeTextFileSync(file, `relay = "r"\nroom = "A"\n${name} = "${value}"\n`);
      const player = new ScriptedPlayer("", "y", "y");
      const start = askForArguments(CLIENT_PROGRAM, { folder }, player);
      assertEquals(start.kind, "refused", name);
      const why = name === "address" ? "may not set that" : "may not name files and folders";
      assertMatch(
        start.kind === "refused" ? start.message : "",
        RegExp(`sets ${name}: .* ${why}\\.`),
      );
      assertEquals(player.heard, []);
    });
  }
});

Deno.test("each option of the client is obeyed, asked for, or refused", () => {
  const by = (what: string) =>
    allOptions(CLIENT_PROGRAM).filter((spec) => {
      const beside = besideOf(spec);
      return (typeof beside === "string" ? beside : "asked") === what;
    }).map(({ name }) => name);
  assertEquals(by("obeyed").sort(), [
    ...["datagram-budget", "invite", "log-format", "log-level", "name", "no-dhcp", "relay"],
    ...["relay-fingerprint", "room", "room-key", "server-name", "virtual-mac"],
  ]);
  const asked = by("asked");
  assertEquals(asked.filter((name) => !name.startsWith("allow-")), ["tap-name"]);
  assertEquals(by("refused").filter((name) => name.startsWith("allow-")), []);
  // One that nobody has put into words is asked for by its help.
  const spec = { name: "allow-x", value: "N", help: "let X in" };
  assertEquals(besideOf(spec), { ask: "May lanparty.toml set allow-x {} (let X in)?" });
  assertEquals(besideOf({ ...spec, name: "x" }), "refused");
});

Deno.test("a file cannot paint over what the player reads", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(
      file,
      'room = "PARTY"\nrelay = "relay.example.org"\nname = "\\u001b[2J"',
    );
    const player = new ScriptedPlayer();
    assertEquals(askForArguments(CLIENT_PROGRAM, { folder }, player).kind, "given-up");
    assertEquals(player.heard.some((line) => line.includes("\x1b")), false);
  });
});

const INVITE = {
  relays: [{ host: "relay.example.org", port: 443, ipVersion: 0 as const }],
  room: "PARTY",
  roomKey: KEY,
};

function lineOf(invite: Invite): string {
  const made = formatInvite(invite);
  if (!made.ok) throw new Error(made.why);
  return made.text;
}
const LINE = lineOf(INVITE);
const OTHER = lineOf({ ...INVITE, room: "OTHER", partyName: "Bob's LAN" });

Deno.test("an invite is all the answer there is, and is kept for the next time", async () => {
  await inFolder((folder) => {
    const partiesFolder = `${folder}/state/parties`;
    const player = new ScriptedPlayer(`Come to us: <${LINE}>`);
    const start = askForArguments(CLIENT_PROGRAM, { folder, partiesFolder }, player);
    assertEquals(argsOf(start), [`--invite=${LINE}`]);
    assertEquals(parseCommandLine(CLIENT_PROGRAM, argsOf(start)).kind, "run");
    const kept = `${partiesFolder}/party-PARTY.lanparty`;
    assertEquals(player.heard.at(-1), `Kept for the next time (${kept}).`);
    assertEquals(Deno.statSync(kept).mode! & 0o777, 0o600);
    // The next time there is nothing to paste.
    const next = new ScriptedPlayer("");
    const again = askForArguments(CLIENT_PROGRAM, { folder, partiesFolder }, next);
    assertEquals(argsOf(again), [`--invite=${LINE}`]);
    assertEquals(
      next.heard[0],
      "There is an invite to the party PARTY on the relay relay.example.org:443 (party-PARTY.lanparty).",
    );
    // Another one is asked for, or pasted at once.
    const other = new ScriptedPlayer("n", OTHER);
    const second = askForArguments(CLIENT_PROGRAM, { folder, partiesFolder }, other);
    assertEquals(argsOf(second), [`--invite=${OTHER}`]);
    const third = new ScriptedPlayer("3", "x", "1");
    const chosen = argsOf(askForArguments(CLIENT_PROGRAM, { folder, partiesFolder }, third));
    assertEquals(chosen, [`--invite=${OTHER}`]);
    assertMatch(
      third.heard[1],
      /1: the party "Bob's LAN" \(room OTHER\) .*\(party-OTHER\.lanparty\)/,
    );
  });
});

Deno.test("a damaged invite is explained, and asked for again", async () => {
  await inFolder((folder) => {
    const player = new ScriptedPlayer(LINE.slice(0, 40), LINE);
    const start = askForArguments(CLIENT_PROGRAM, { folder }, player);
    assertEquals(argsOf(start), [`--invite=${LINE}`]);
    assertMatch(player.heard.at(-2)!, /^ {2}this invite is cut off: its last \d+ characters/);
    // A mail has broken it into lines, and each of them comes as an answer.
    const parts = [LINE.slice(0, 40), LINE.slice(40, 60), LINE.slice(60)];
    const broken = askForArguments(CLIENT_PROGRAM, { folder }, new ScriptedPlayer(...parts));
    assertEquals(argsOf(broken), [`--invite=${LINE}`]);
    const given = new ScriptedPlayer(LINE.slice(0, 40), "relay.example.org", "", "A", "", "", "n");
    const typed = argsOf(askForArguments(CLIENT_PROGRAM, { folder }, given));
    assertEquals(typed, ["--relay", "relay.example.org", "--room", "A"]);
    const pasted = new ScriptedPlayer(LINE.slice(0, 40), OTHER);
    Deno.writeTextFileSync(`${folder}/party.lanparty`, LINE);
    assertEquals(argsOf(askForArguments(CLIENT_PROGRAM, { folder }, pasted)), [
      `--invite=${OTHER}`,
    ]);
  });
});

Deno.test("a file with an invite beside the program, or where it was started, is offered, and nothing else of it counts", async () => {
  await inFolder((folder) => {
    const workingFolder = `${folder}/desktop`;
    Deno.mkdirSync(workingFolder);
    const text = `frame-log = "/etc/passwd"\nallow-inbound = true\r\nSee you!\r\n${LINE}\r\n`;
    Deno.writeTextFileSync(`${workingFolder}/Party.LANPARTY`, text);
    Deno.writeTextFileSync(`${folder}/old.lanparty`, lineOf({ ...INVITE, expiresUnixS: 1 }));
    Deno.writeTextFileSync(`${folder}/\u001b[2J.lanparty`, "no invite");
    Deno.mkdirSync(`${folder}/folder.lanparty`);
    const player = new ScriptedPlayer("");
    const start = askForArguments(CLIENT_PROGRAM, { folder, workingFolder }, player);
    assertEquals(argsOf(start), [`--invite=${LINE}`]);
    assertEquals(player.heard.slice(0, 2), [
      "[2J.lanparty: there is no invite in it: an invite begins with lanparty1.",
      "old.lanparty: this invite was good until 1970-01-01 00:00 (UTC): ask the host for a new one, or " +
      "set this PC's clock if that is wrong.",
    ]);
    assertMatch(player.heard[2], /the party PARTY on the relay .* \(Party\.LANPARTY\)\.$/);
    // A window that is closed is no yes, and a report can be had of the relay that it names.
    const surroundings = { folder, workingFolder };
    assertEquals(
      askForArguments(CLIENT_PROGRAM, surroundings, new ScriptedPlayer()).kind,
      "given-up",
    );
    const report = askForArguments(CLIENT_PROGRAM, surroundings, new ScriptedPlayer("d"));
    assertEquals(argsOf(report), ["doctor", "--relay=relay.example.org:443"]);
  });
});

Deno.test("a clipboard that holds an invite is offered, and anything else in it is not looked at", async () => {
  await inFolder((folder) => {
    const player = new ScriptedPlayer("");
    const start = askForArguments(CLIENT_PROGRAM, { folder, clipboard: ` ${LINE}\r\n` }, player);
    assertEquals(argsOf(start), [`--invite=${LINE}`]);
    assertMatch(player.heard[0], /There is an invite to .* \(the clipboard\)\./);
    // The same one in a file is the same party.
    Deno.writeTextFileSync(`${folder}/party.lanparty`, LINE);
    const once = new ScriptedPlayer("");
    askForArguments(CLIENT_PROGRAM, { folder, clipboard: LINE }, once);
    assertMatch(once.heard[0], /^There is an invite to/);
    Deno.removeSync(`${folder}/party.lanparty`);
    for (const clipboard of ["", "my password", "x".repeat(9_999)]) {
      const asked = new ScriptedPlayer();
      assertEquals(askForArguments(CLIENT_PROGRAM, { folder, clipboard }, asked).kind, "given-up");
      assertEquals(asked.heard.some((line) => clipboard !== "" && line.includes(clipboard)), false);
    }
  });
});

Deno.test("a lanparty.toml may hold an invite, and says where that leads", async () => {
  await inFolder((folder, file) => {
    Deno.writeTextFileSync(file, `invite = "${OTHER}"\nname = "Ann"\n`, { mode: 0o600 });
    const player = new ScriptedPlayer("");
    const args = argsOf(askForArguments(CLIENT_PROGRAM, { folder }, player));
    assertEquals(args, [`--invite=${OTHER}`, "--name=Ann"]);
    assertMatch(player.heard[0], /^lanparty\.toml says: the party "Bob's LAN" \(room OTHER\)/);
  });
});
