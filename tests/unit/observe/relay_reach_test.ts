/** What a player is told when the relay cannot be reached: each reason in words of its own, without a word of protocols'. */
import { assertEquals, assertNotMatch } from "@std/assert";
import {
  type FailurePlace,
  lossText,
  reachText,
  type TransportFailure,
} from "../../../src/observe/relay_reach.ts";
import { statusLine } from "../../../src/observe/status.ts";
import { saying, sentenceOf } from "../../support/sentences.ts";

const PLACE: FailurePlace = { host: "relay.example.org", port: 443, address: "198.51.100.10" };
const { host, address } = { ...PLACE, address: "198.51.100.10" };
const AT = { address, port: "443" };
const BY = { by: "192.0.2.1" };

Deno.test("each failure has a sentence of its own, in plain words", () => {
  const expected: Readonly<Record<TransportFailure, ReturnType<typeof sentenceOf>>> = {
    nobodyListens: sentenceOf("relay/nobody-listens", AT),
    blocked: sentenceOf("relay/blocked-here", AT),
    unreachable: sentenceOf("relay/no-way", AT),
    refused: sentenceOf("relay/full", AT),
    unfinished: sentenceOf("relay/unfinished", AT),
    timeout: sentenceOf("relay/silent", AT),
    noNetwork: sentenceOf("relay/no-network"),
    noIpv6: sentenceOf("relay/no-ipv6"),
    noIpv4: sentenceOf("relay/no-ipv4"),
    unresolved: sentenceOf("relay/no-address", { host }),
    noNameServer: sentenceOf("relay/no-name-server", { host }),
    certificate: sentenceOf("relay/certificate"),
    alpn: sentenceOf("relay/no-relay", AT),
    reset: sentenceOf("relay/restarted"),
    other: sentenceOf("relay/broken"),
  };
  for (const [failure, sentence] of Object.entries(expected)) {
    assertEquals(reachText(failure as TransportFailure, PLACE), sentence);
    const { what, advice = "" } = sentence;
    assertNotMatch(`${what} ${advice}`, /[A-Z]{4}_|status|errno|ICMP|handshake/);
  }
});

Deno.test("who has said so is named where it is another than the relay", () => {
  const place = { ...PLACE, ...BY };
  assertEquals(
    reachText("blocked", place),
    sentenceOf("relay/blocked-on-the-way", { ...AT, ...BY }),
  );
  assertEquals(reachText("unreachable", place), sentenceOf("relay/no-way-from", { ...AT, ...BY }));
});

Deno.test("a machine that answers by TCP alone is said to be there", () => {
  assertEquals(
    reachText("timeout", { ...PLACE, answersTcp: true }),
    sentenceOf("relay/silent-and-there", AT),
  );
});

Deno.test("trouble is a warning that says what, what to do, and that it goes on", () => {
  assertEquals(statusLine({ type: "relayTrouble", failure: "noNetwork", place: PLACE }), {
    level: "warning",
    text: `${saying("relay/no-network")} It is tried on.`,
  });
});

Deno.test("of a session that was good it is said that it ended", () => {
  assertEquals(lossText("timeout", PLACE), sentenceOf("relay/lost").what);
  assertEquals(lossText("reset", PLACE), sentenceOf("relay/restarted").what);
});
