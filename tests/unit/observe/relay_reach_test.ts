/** What a player is told when the relay cannot be reached: each reason in words of its own, without a word of protocols'. */
import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import {
  type FailurePlace,
  lossText,
  reachText,
  type TransportFailure,
} from "../../../src/observe/relay_reach.ts";
import { statusLine } from "../../../src/observe/status.ts";

const PLACE: FailurePlace = { host: "relay.example.org", port: 443, address: "198.51.100.10" };

const WHAT: Readonly<Record<TransportFailure, string>> = {
  nobodyListens: "198.51.100.10 answers, but no relay listens at UDP 443",
  blocked: "This PC lets nothing out to 198.51.100.10, UDP 443",
  unreachable: "No way leads to 198.51.100.10",
  refused: "The relay at 198.51.100.10 is full: it takes no more connections at the moment",
  timeout: "Nothing comes back from 198.51.100.10, UDP 443",
  noNetwork: "This PC is not on the internet",
  noIpv6: "This network has no IPv6, and the relay has nothing else",
  noIpv4: "This network has no IPv4, and the relay has nothing else",
  unresolved: "There is no address for the name relay.example.org",
  noNameServer: "No name server answers, so the address of relay.example.org cannot be found",
  certificate: "The relay's certificate is not the one that was expected",
  alpn: "What answers at 198.51.100.10, UDP 443, is no lanparty relay of this version",
  reset: "The relay was restarted",
  other: "The connection to the relay broke",
};

Deno.test("each reason has a text of its own, in plain words", () => {
  for (const [failure, what] of Object.entries(WHAT)) {
    const text = reachText(failure as TransportFailure, PLACE);
    assertEquals(text.what, what);
    assertNotMatch(`${text.what} ${text.advice}`, /[A-Z]{4}_|status|errno|ICMP|handshake/);
  }
  assertEquals(new Set(Object.values(WHAT)).size, Object.keys(WHAT).length);
});

Deno.test("who has said so is named where it is another than the relay", () => {
  const place = { ...PLACE, by: "192.0.2.1" };
  assertStringIncludes(reachText("blocked", place).what, "on the way (192.0.2.1)");
  assertEquals(
    reachText("unreachable", place).what,
    "No way leads to 198.51.100.10, says 192.0.2.1",
  );
});

Deno.test("a machine that answers by TCP alone is said to be there", () => {
  const { what } = reachText("timeout", { ...PLACE, answersTcp: true });
  assertEquals(what, "198.51.100.10 is there, but nothing comes back from its UDP port 443");
});

Deno.test("trouble is a warning that says what, what to do, and that it goes on", () => {
  assertEquals(statusLine({ type: "relayTrouble", failure: "noNetwork", place: PLACE }), {
    level: "warning",
    text:
      "This PC is not on the internet. Is the cable in, or the Wi-Fi connected? It is tried on.",
  });
  const { text } = statusLine({ type: "relayTrouble", failure: "refused", place: PLACE });
  assertStringIncludes(text, "at the moment. It is tried on.");
});

Deno.test("of a session that was good it is said that it ended", () => {
  assertEquals(lossText("timeout", PLACE), "The relay does not answer any more");
  assertEquals(lossText("reset", PLACE), "The relay was restarted");
});
