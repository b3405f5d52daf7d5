import { assert, assertEquals } from "@std/assert";
import { BUDGET_BYTES_MIN, MtuSettler, TAP_MTU_MIN, tapMtuFor } from "../../../src/proto/mtu.ts";

//= PROTOCOL.md 10
//# **A room's MTU** is its gateway's: 18 = 4 (header) + 14 (Ethernet).
//= PROTOCOL.md 10
//# | 1450 | 1450 | 1400 | 1400 | […] | 608 | 608 | 1500 | 1500 |
//= PROTOCOL.md 10
//# Where `max-tap-mtu` is 1500, a LAN's own, all rooms have 1500, whatever their paths carry: full frames are
//# split then.
Deno.test("a room's MTU follows from the narrower direction", () => {
  assertEquals(tapMtuFor(1418, 1418, 1400), 1400);
  assertEquals(tapMtuFor(1417, 1418, 1400), 1399);
  assertEquals(tapMtuFor(1418, 1417, 1400), 1399);
  assertEquals(tapMtuFor(9000, 9000, 1400), 1400);
  assertEquals(tapMtuFor(9000, 9000, 1500), 1500);
  assertEquals(tapMtuFor(608, 608, 1500), 1500);
  assertEquals(tapMtuFor(1450, 1450, 1499), 1432);
  assertEquals(tapMtuFor(1298, 1500, 1400), 1280);
  assertEquals(tapMtuFor(608, 1500, 1400), 1280);
  assertEquals(tapMtuFor(1500, 0, 1400), 1280);
  assertEquals(tapMtuFor(1500, 1500, 1000), 1280);
  assertEquals([TAP_MTU_MIN, BUDGET_BYTES_MIN], [1280, 608]);
});

//= PROTOCOL.md 10
//# It has settled as soon as it is 1418 or more (a whole frame of the usual MTU, 1400): what it
//# grows later can be told.
Deno.test("a maximum that carries a frame of 1400 has settled at once", () => {
  const settler = new MtuSettler(1000);
  settler.handleMaximum(1417, 1000);
  assert(!settler.settled(1001));
  settler.handleRtt(300);
  settler.handleMaximum(1418, 1001);
  assert(settler.settled(1001));
  assertEquals(settler.deadlineMs(), 1001);
  settler.handleMaximum(1450, 1020);
  assert(settler.settled(1020));
  assertEquals(settler.maximumBytes, 1450);
});

//= PROTOCOL.md 10
//# Below that it has when it has not grown for 400 ms or for 3 round trips, whichever is longer, and
//# in any case 1 s after the handshake: most paths carry that much, and a machine that is busy for a
//# moment must not narrow the room for everybody.
Deno.test("a narrower one settles when it has not grown for 400 ms: a machine may be busy for a moment", () => {
  const settler = new MtuSettler(1000);
  settler.handleMaximum(1417, 1000);
  assert(!settler.settled(1399.9));
  assertEquals(settler.deadlineMs(), 1400);
  assert(settler.settled(1400));
});

Deno.test("each growth starts the wait again, the same value and a fall do not", () => {
  const settler = new MtuSettler(0);
  settler.handleMaximum(1300, 0);
  settler.handleMaximum(1310, 60);
  settler.handleMaximum(1310, 80);
  settler.handleMaximum(1305, 90);
  assertEquals(settler.deadlineMs(), 460);
  assertEquals(settler.maximumBytes, 1305);
  settler.handleMaximum(1320, 450);
  assert(!settler.settled(460));
  assert(settler.settled(850));
});

Deno.test("three round trips count where they are longer", () => {
  const settler = new MtuSettler(0);
  settler.handleMaximum(1400, 10);
  settler.handleRtt(133);
  assertEquals(settler.deadlineMs(), 410);
  settler.handleRtt(200);
  assertEquals(settler.deadlineMs(), 610);
  settler.handleRtt(20);
  assertEquals(settler.deadlineMs(), 410);
});

Deno.test("one second after the handshake it is settled, whatever happens", () => {
  const settler = new MtuSettler(500);
  settler.handleRtt(2000);
  for (let nowMs = 500; nowMs < 1500; nowMs += 50) {
    settler.handleMaximum(1000 + nowMs / 10, nowMs);
    assert(!settler.settled(nowMs));
  }
  assertEquals(settler.deadlineMs(), 1500);
  assert(settler.settled(1500));
});
