/** A link that was clicked on: anybody may have made it. */
import { assertEquals, assertMatch } from "@std/assert";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { askAboutLink, isLinkStart, offerLinks } from "../../../src/cli/link_start.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";
import { formatInvite, INVITE_LINK } from "../../../src/control/invite.ts";
import { ScriptedPlayer } from "../../support/scripted_player.ts";

const made = formatInvite({
  relays: [{ host: "relay.example.org", port: 443, ipVersion: 0 }],
  room: "PARTY",
  partyName: "Ann's LAN",
});
const LINE = made.ok ? made.text : "";
const LINK = `${INVITE_LINK}${LINE}`;

Deno.test("a link is followed when the player says yes, and only then", () => {
  const player = new ScriptedPlayer("y");
  const start = askAboutLink(["open-link", "--", LINK], player);
  assertEquals(start, { kind: "start", args: [`--invite=${LINE}`] });
  assertEquals(
    player.heard[0],
    `A link invites this PC to the party "Ann's LAN" (room PARTY) on the relay relay.example.org:443.`,
  );
  for (const answers of [[], [""], ["n"], ["maybe"]]) {
    const asked = askAboutLink(["open-link", "--", LINK], new ScriptedPlayer(...answers));
    assertEquals(asked, { kind: "given-up" });
  }
  // A browser may write it with a slash behind.
  assertEquals(askAboutLink(["open-link", "--", `${LINK}/`], new ScriptedPlayer("y")), start);
});

Deno.test("what a link smuggles in is no option, and nobody is asked about it", () => {
  const frameLog = ["--frame-log", "/etc/passwd"];
  for (
    const words of [
      [LINK, ...frameLog],
      [`${LINK} ${frameLog.join(" ")}`.slice(0, 30), ...frameLog],
      ["--config=\\\\evil\\share\\x"],
      ["lanparty://join/"],
      ["lanparty://--invite-file=/etc/passwd"],
      ["", LINK],
      [],
    ]
  ) {
    const player = new ScriptedPlayer("y", "y");
    const start = askAboutLink(["open-link", "--", ...words], player);
    assertEquals(start.kind, "refused", words.join(" "));
    assertEquals(player.heard, []);
    const message = start.kind === "refused" ? start.message : "";
    assertMatch(message, /^This link does not lead to a party: /);
    assertEquals(/evil|passwd/.test(message), false, message);
  }
  // An invite amid other words is all that counts of them.
  const start = askAboutLink(
    ["open-link", "--", `lanparty://x --frame-log ${LINE}`],
    new ScriptedPlayer("y"),
  );
  assertEquals(start, { kind: "start", args: [`--invite=${LINE}`] });
});

Deno.test("only the command line that was registered is a link's", () => {
  assertEquals(isLinkStart(["open-link", "--", LINK]), true);
  for (const args of [[], ["open-link"], ["open-link", LINK], ["--", "open-link", LINK], [LINK]]) {
    assertEquals(isLinkStart(args), false);
  }
  assertEquals(parseCommandLine(CLIENT_PROGRAM, ["open-link", LINK]).kind, "run");
  assertEquals(parseCommandLine(CLIENT_PROGRAM, ["register-link", "x"]).kind, "usage-error");
  assertEquals(parseCommandLine(CLIENT_PROGRAM, [LINK]).kind, "usage-error");
});

Deno.test("whether links are to be opened is asked once", async () => {
  const home = await Deno.makeTempDir({ prefix: "lanparty-links-" });
  const variables = ["XDG_DATA_HOME", "XDG_CONFIG_HOME"];
  const before = variables.map((name) => Deno.env.get(name));
  try {
    for (const name of variables) Deno.env.set(name, `${home}/${name}`);
    const unanswered = new ScriptedPlayer();
    offerLinks(`${home}/state`, unanswered);
    const first = new ScriptedPlayer("");
    offerLinks(`${home}/state`, first);
    assertEquals([unanswered.heard.length, first.heard.length], [1, 1]);
    assertMatch(first.heard[0], /lanparty:\/\/ links.* \[y\/N\]$/);
    const second = new ScriptedPlayer("y");
    offerLinks(`${home}/state`, second);
    assertEquals(second.heard, []);
  } finally {
    variables.forEach((name, at) => {
      const value = before[at];
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    });
    await Deno.remove(home, { recursive: true });
  }
});
