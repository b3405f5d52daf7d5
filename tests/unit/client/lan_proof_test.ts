import { assertEquals } from "@std/assert";
import { ASK_AGAIN_INTERVAL_MS, PROOF_MS } from "../../../src/client/lan_proof.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { encodeAnswer, isLanTalk, LanSight, LanState } from "../../../src/proto/lan_talk.ts";
import { LoopProbe, ProbeLan, ProbeSide } from "../../../src/proto/loop_probe.ts";
import { saying } from "../../support/sentences.ts";
import { ALL_WELL, arp, Lan, MAC, SENTENCE, SERVER, STATION } from "./lan_scene.ts";

Deno.test("a frame of the LAN and an address: the sentence is said, once", () => {
  const lan = new Lan().join().pass(500);
  assertEquals([lan.line, lan.told()], [saying("lan/looking"), []]);
  lan.hear(arp(1));
  lan.have("192.168.1.57/24", "fe80::1/64");
  assertEquals([lan.kind, lan.told()], ["good", [SENTENCE]]);
  lan.hear(arp(1));
  assertEquals(lan.told(), []);
});

Deno.test("an address of its own making, or one of IPv6 where IPv4 was asked for, is no address", () => {
  const lan = new Lan().join();
  lan.hear(arp(1));
  lan.have("169.254.7.8/16", "fe80::1/64", "fd00::5/64").pass(20_000);
  assertEquals(lan.kind, "no-address");
  const fixed = new Lan(false).join();
  fixed.hear(arp(1));
  fixed.have("fe80::1/64", "fd00::5/64");
  assertEquals(fixed.told(), [saying("lan/good", { address: "fd00::5" })]);
});

Deno.test("an address of another network is not the LAN's: whoever is in its own is asked before that is said", () => {
  const lan = new Lan().join().have("10.8.0.6/24");
  lan.asked();
  lan.hear(arp(9));
  assertEquals([lan.kind, lan.asked()], ["looking", [1]]);
  lan.pass(5_000);
  lan.hear(arp(7));
  lan.pass(4_999);
  assertEquals([lan.kind, lan.told()], ["looking", []]);
  assertEquals(lan.asked().every((last) => last === 1), true);
  lan.pass(1);
  const said = saying("lan/elsewhere", { address: "10.8.0.6", other: "192.168.1.7" });
  assertEquals(lan.told(), [said]);
  lan.asked();
  // It goes on to be asked for, and who has one of the LAN's is in it.
  assertEquals(lan.pass(60_000).asked().length, 6);
  lan.have("192.168.1.57/24");
  lan.hear(arp(9));
  assertEquals(lan.told(), [SENTENCE]);
});

Deno.test("a station with two addresses does not make this PC ask more than once a second", () => {
  const lan = new Lan().join().have("10.8.0.6/24");
  lan.asked();
  let asked = 0;
  for (let turn = 0; turn < 100; turn++) {
    lan.hear(arp(9));
    lan.hear(arp(9).replace("c0a80109", "0a080001"));
    asked += lan.pass(20).asked().length;
  }
  assertEquals(asked, 2, "at once, and a second later");
});

Deno.test("where some have addresses of this PC's network, or its server gave it one, others do not matter", () => {
  const routed = new Lan().join().have("10.8.0.6/24");
  routed.hear(arp(9));
  routed.hear(arp(9).replace("c0a80109", "0a080001"));
  assertEquals(routed.told(), [saying("lan/good", { address: "10.8.0.6" })]);
  routed.hear(arp(9));
  const leased = new Lan().join();
  leased.proof.handleDhcpReply(SERVER, 0);
  leased.have("10.8.0.6/24").hear(arp(9));
  assertEquals(leased.pass(30_000).kind, "good");
  // Who has made its address itself, or asks before it takes one, says nothing of the LAN's network.
  const quiet = new Lan().join().have("10.8.0.6/24");
  for (const sender of ["a9fe0102", "00000000"]) quiet.hear(arp(9).replace("c0a80109", sender));
  assertEquals(quiet.pass(30_000).kind, "good");
});

Deno.test("server, last station and first address are asked until one answers, in an ARP request of the adapter's", () => {
  const lan = new Lan().join();
  lan.hear(arp(9));
  lan.proof.handleDhcpReply(SERVER, lan.nowMs);
  lan.have("192.168.1.57/24");
  const [frame] = lan.proof.drainFrames();
  assertEquals(
    frame.toHex(),
    "ffffffffffff" + "020000000051" + "0806" +
      "0001080006040001" + "020000000051" + "c0a80139" + "000000000000" + "c0a80107",
  );
  lan.pass(1_000);
  assertEquals(lan.asked(), [7, 9, 1]);
  lan.hear(arp(9));
  lan.pass(5_000);
  assertEquals(lan.asked(), []);
});

Deno.test("what is heard for a minute asks nobody; after a silent one it is asked, and silence is said, and its end", () => {
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(arp(9));
  assertEquals(lan.told(), [SENTENCE]);
  lan.asked();
  for (let i = 0; i < 10; i++) {
    lan.pass(PROOF_MS / 2);
    lan.hear(arp(9));
  }
  assertEquals(lan.asked(), []);
  lan.pass(PROOF_MS);
  assertEquals(lan.asked(), [9, 1]);
  assertEquals(lan.kind, "good");
  lan.pass(10_000);
  assertEquals(lan.told(), [saying("lan/silent-unanswered", { time: "10 seconds" })]);
  lan.asked();
  lan.pass(2 * ASK_AGAIN_INTERVAL_MS);
  assertEquals(lan.asked(), [9, 1, 9, 1]);
  lan.hear(arp(9));
  assertEquals(lan.told(), [SENTENCE]);
});

Deno.test("neither a gateway's probe nor a frame of a VLAN is proof", () => {
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(`ffffffffffff${STATION}88b5` + "00".repeat(46));
  lan.hear(`ffffffffffff${STATION}81000007` + arp(1).slice(24));
  lan.pass(10_000);
  assertEquals(lan.kind, "silent");
});

//= PROTOCOL.md 12
//# takes the gateway to stand still when for 1 s all of them from it say 0.
Deno.test("a gateway that stands still says so by its probes; a forger's between its own change nothing", () => {
  const probe = (side: ProbeSide, forwarding: boolean): string => {
    const made = new LoopProbe(side, new Uint8Array(8), MAC);
    made.write(forwarding, 0, 0);
    return made.bytes.toHex();
  };
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(arp(1));
  lan.told();
  for (let i = 0; i < 10; i++) {
    lan.hear(probe(ProbeSide.tunnel, true));
    lan.pass(150);
    lan.hear(probe(ProbeSide.tunnel, false));
    lan.pass(150);
  }
  for (let i = 0; i < 10; i++) lan.pass(300).hear(probe(ProbeSide.lan, false));
  assertEquals([lan.kind, lan.told()], ["good", []]);
  lan.hear(probe(ProbeSide.tunnel, true));
  for (let i = 0; i < 5; i++) lan.pass(300).hear(probe(ProbeSide.tunnel, false));
  assertEquals(lan.told(), [saying("lan/silent-stopped")]);
  lan.asked();
  lan.hear(probe(ProbeSide.tunnel, true));
  assertEquals([lan.kind, lan.asked()], ["looking", [1]]);
  lan.hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
});

//= PROTOCOL.md 12.1
//# This project's ask when there is a gateway, when what they see or byte 25 changes, and each minute
Deno.test("a gateway that answers is asked soon, then each minute, and told what this PC sees; its word is proof", () => {
  const lan = new Lan(false).join().have("192.168.1.57/24").probe(3_000, {});
  assertEquals(lan.told(), [SENTENCE]);
  assertEquals(lan.questions, [LanSight.unknown, LanSight.good]);
  lan.probe(120_000, { quietMs: 170_000 });
  assertEquals([lan.questions.slice(2), lan.told()], [[LanSight.good, LanSight.good], []]);
});

//= PROTOCOL.md 12.1
//# A client asks only a gateway whose probe, not older than 3 s, has said that it answers, so others
//# never get a question.
Deno.test("a gateway that answers no questions, or whose probes do not come any more, is not asked", () => {
  const lan = new Lan(false).join().have("192.168.1.57/24").probe(30_000, {}, 0);
  assertEquals(lan.questions, []);
  lan.probe(600, undefined);
  assertEquals(lan.questions.length, 1);
  lan.asked();
  lan.pass(60_000);
  const frames = lan.proof.drainFrames().filter((frame) => isLanTalk(frame, 0, frame.length));
  assertEquals(frames.length, 3);
  assertEquals(lan.line, saying("lan/silent-unanswered", { time: "91 seconds" }));
});

Deno.test("where gateway and PC hear nobody it may be an empty LAN; a station's frame is proof again", () => {
  const lan = new Lan(false).join().have("192.168.1.57/24").probe(20_000, { quietMs: 180_001 });
  assertEquals(lan.told(), [saying("lan/silent-quiet")]);
  lan.hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
  const never = new Lan(false).join().have("192.168.1.57/24").probe(20_000, { quietMs: Infinity });
  assertEquals(never.told(), [saying("lan/silent-quiet")]);
});

Deno.test("what only the gateway knows is said whatever is heard: no link, a machine that holds frames up, a MAC of the LAN's, no way to it", () => {
  const lan = new Lan(false).join().have("192.168.1.57/24");
  lan.hear(arp(1));
  lan.probe(1_000, { state: ALL_WELL - LanState.up }, ProbeLan.answers | ProbeLan.down);
  assertEquals(lan.told(), [SENTENCE, saying("lan/silent-down")]);
  lan.hear(arp(1));
  lan.probe(1_500, {});
  assertEquals(lan.told(), [SENTENCE]);
  lan.probe(2_000, { state: ALL_WELL | LanState.held }, ProbeLan.answers | ProbeLan.held);
  assertEquals(lan.told(), [saying("lan/silent-held")]);
  lan.hear(arp(1));
  lan.probe(2_500, {});
  assertEquals(lan.told(), [SENTENCE]);
  lan.probe(61_000, { state: ALL_WELL - LanState.served });
  assertEquals(lan.told(), [saying("lan/silent-unserved")]);
  lan.probe(12_000, {});
  assertEquals(lan.told(), [SENTENCE]);
  lan.probe(80_000, undefined);
  assertEquals(lan.told(), [saying("lan/silent-unheard")]);
  lan.probe(12_000, {});
  assertEquals(lan.told(), [SENTENCE]);
});

//= PROTOCOL.md 12.1
//# A client believes an answer that the relay says is the gateway's, to its own MAC, with the id of
//# its question, once.
Deno.test("an answer to nothing, or with another id, changes nothing", () => {
  const lan = new Lan(false).join().have("192.168.1.57/24").probe(3_000, {});
  lan.told();
  const question = new Uint8Array(60);
  question.set(MAC, 6);
  for (const id of [0, 1, 2, 3]) {
    question.fill(id, 24, 32);
    lan.hear(encodeAnswer(MAC, question, 0, 0, 0).toHex());
  }
  assertEquals([lan.kind, lan.told()], ["good", []]);
});

Deno.test("an address of the player's is asked for, and who has it, too, is said, as long as it is so", () => {
  const lan = new Lan(false).join();
  lan.hear(arp(1));
  lan.have("192.168.1.57/24").pass(1_000);
  const probes = lan.proof.drainFrames().filter((frame) =>
    frame.slice(38, 42).toHex() === "c0a80139"
  );
  assertEquals(probes.map((frame) => frame.slice(28, 32).toHex()), [
    ...["00000000", "00000000", "00000000", "c0a80139"],
  ]);
  assertEquals(lan.told(), [SENTENCE]);
  const mac = "00:16:3e:00:00:01";
  lan.hear(arp(0x39));
  assertEquals(lan.told(), []);
  lan.pass(1_000).hear(arp(0x39));
  assertEquals(lan.told(), [saying("lan/taken", { address: "192.168.1.57", mac })]);
  for (let i = 0; i < 3; i++) {
    lan.pass(30_100);
    lan.hear(arp(0x39));
  }
  assertEquals([lan.kind, lan.told()], ["taken", []]);
  lan.pass(32_100);
  assertEquals(lan.told(), [SENTENCE]);
  // One that a DHCP server gives is watched elsewhere.
  const leased = new Lan().join().have("192.168.1.57/24");
  for (let i = 0; i < 3; i++) leased.hear(arp(0x39));
  assertEquals(leased.kind, "good");
});

Deno.test("an address that no DHCP server confirms is an old one; one that was confirmed since the gateway came is not", () => {
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(arp(1));
  lan.proof.handleDhcpAsked(lan.nowMs);
  lan.pass(19_999).hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
  lan.pass(1);
  assertEquals(lan.told(), [
    saying("lan/old-address", { address: "192.168.1.57", time: "20 seconds" }),
  ]);
  lan.proof.handleDhcpReply(SERVER, lan.nowMs);
  assertEquals(lan.told(), [SENTENCE]);
  lan.proof.handleDhcpAsked(lan.nowMs);
  lan.pass(30_000).hear(arp(1));
  assertEquals([lan.kind, lan.told()], ["good", []]);
});

Deno.test("what was heard before the room, the gateway or the adapter was another one is no proof", () => {
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(arp(1));
  lan.gateway(false);
  assertEquals([lan.kind, lan.told()], ["looking", [SENTENCE]]);
  lan.pass(10_000);
  assertEquals(lan.told(), [saying("lan/silent-alone")]);
  lan.gateway(true);
  assertEquals(lan.kind, "looking");
  lan.hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
  lan.proof.handleAction({ type: "left", reason: "lost", final: false }, lan.nowMs);
  assertEquals(lan.line, saying("lan/outside"));
  lan.join().have("192.168.1.57/24");
  lan.hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
  lan.proof.handleAddresses(undefined, lan.nowMs);
  assertEquals(lan.line, saying("lan/no-adapter"));
  lan.have("192.168.1.57/24");
  assertEquals(lan.told(), [SENTENCE]);
});

Deno.test("what another program does to the adapter is the verdict, told by who has found it, until it is over", () => {
  const lan = new Lan().join().have("192.168.1.57/24");
  lan.hear(arp(1));
  assertEquals(lan.told(), [SENTENCE]);
  const fault = { name: "lanparty0", trait: "mac", likely: [] } as const;
  assertEquals(lan.proof.handleAdapterFault(fault, lan.nowMs), true);
  assertEquals(lan.proof.handleAdapterFault({ ...fault }, lan.nowMs), false);
  const values = { name: "lanparty0", who: "Another program" };
  assertEquals([lan.line, lan.told()], [saying("adapter/contested-mac", values), []]);
  assertEquals(lan.proof.handleAdapterFault(undefined, lan.nowMs), true);
  assertEquals([lan.line, lan.told()], [SENTENCE, []]);
});

Deno.test("who meets nobody is asked soon whether the key is right, and once; who has met somebody, later", () => {
  const lan = new Lan().join(false).pass(1_999);
  assertEquals(lan.told(), []);
  lan.pass(1);
  assertEquals(lan.told(), [saying("lan/silent-alone")]);
  lan.pass(60_000);
  assertEquals(lan.told(), []);
  const known = new Lan().join();
  known.gateway(false);
  known.pass(9_999);
  assertEquals(known.told(), []);
  known.pass(1);
  assertEquals(known.told(), [saying("lan/silent-alone")]);
});

Deno.test("without a gateway it matters whether others are there", () => {
  const lan = new Lan().join(false);
  const peer = { peerId: asPeerId(9), role: "client" } as const;
  lan.proof.handleAction({ type: "peerJoined", peer, known: false }, lan.nowMs);
  lan.pass(10_000);
  assertEquals(lan.told(), [saying("lan/silent-no-gateway")]);
  lan.proof.handleAction({ type: "peerLeft", peer, reason: "bye" }, lan.nowMs);
  assertEquals(lan.told().length, 1);
});

Deno.test("a LAN that is heard and gives no address: said after 20 seconds, by what its DHCP server did", () => {
  const silent = new Lan().join();
  silent.hear(arp(1));
  silent.pass(19_999);
  assertEquals(silent.told(), []);
  silent.pass(1);
  assertEquals(silent.told(), [saying("lan/no-address-not-answered", { time: "20 seconds" })]);
  silent.proof.handleDhcpReply(0, silent.nowMs);
  assertEquals([silent.line, silent.told()], [saying("lan/looking"), []]);
  silent.pass(10_000);
  assertEquals(silent.told(), [saying("lan/no-address-not-taken", { time: "30 seconds" })]);
  silent.have("192.168.1.57/24");
  assertEquals(silent.told().at(-1), SENTENCE);
});

Deno.test("a PC that asks for no address is told that it has none, whether the LAN is heard or not", () => {
  const lan = new Lan(false).join().pass(20_000);
  assertEquals(lan.told(), [saying("lan/silent-unasked")]);
  lan.hear(arp(1));
  assertEquals(lan.told(), [saying("lan/no-address-not-asked")]);
});
