import { assertEquals } from "@std/assert";
import { describeStatus, REJECT_ADVICE, type StatusEvent } from "../../../src/observe/status.ts";

Deno.test("a refusal says once what the relay says, and what only this side knows", () => {
  const refusal = (event: Omit<StatusEvent & { type: "rejected" }, "type">) =>
    describeStatus({ type: "rejected", ...event });
  const rows: readonly (readonly [code: keyof typeof REJECT_ADVICE, message: string])[] = [
    ["room-full", "This room is full."],
    ["relay-full", "This relay is full."],
    ["gateway-exists", "This room has a gateway already."],
    ["mac-in-use", "Somebody in this room has this MAC already."],
    ["not-admitted", "You are not admitted to this room."],
    ["rate-limited", "Too many attempts from your address."],
  ];
  for (const [code, message] of rows) {
    assertEquals(refusal({ code, message }), REJECT_ADVICE[code], message);
  }
  assertEquals(
    refusal({ code: "relay-full", message: "This relay is about to stop." }),
    `${REJECT_ADVICE["relay-full"]} (This relay is about to stop.)`,
  );
  assertEquals(
    refusal({ code: "not-admitted", circumstances: { keyOption: "gateway-key" } }),
    "The relay does not let you in without a key: give the one that the host knows, with " +
      "--gateway-key or --gateway-key-file. If the party has none, the room is locked.",
  );
  const gaveUp = { gaveUpAfterMs: 20_000 };
  assertEquals(
    refusal({ code: "gateway-exists", circumstances: gaveUp }),
    "Gave up after 20 seconds: the room has another gateway. End that one first.",
  );
  assertEquals(
    refusal({ code: "mac-in-use", circumstances: { ...gaveUp, identityFile: "/s/identity.json" } }),
    "Gave up after 20 seconds: somebody in the room has your MAC. If this PC was copied from " +
      "another one, delete /s/identity.json and start again.",
  );
  assertEquals(
    refusal({ code: "mac-in-use", circumstances: gaveUp }),
    "Gave up after 20 seconds: somebody in the room has your MAC. If this PC was copied from " +
      "another one, give another --virtual-mac and start again.",
  );
});
