/** What a gateway's session makes of the players that the relay says run DHCP servers. */
import { assertEquals } from "@std/assert";
import { Stage } from "./harness.ts";

Deno.test("a player who runs a DHCP server is named once, as long as it is there", () => {
  const stage = new Stage();
  stage.join();
  const bob = { peerId: 7, role: "client", mac: "02:00:00:00:00:07", name: "Bob" } as const;
  stage.relaySays({ type: "peerJoined", ...bob });
  stage.clear();
  const said = () =>
    stage.actions("status").flatMap(({ event }) => event.type === "dhcpServer" ? [event.peer] : []);
  const { dhcpServers } = stage.session.room;
  stage.relaySays({ type: "stats", dhcpServers: [7, 99] });
  stage.relaySays({ type: "stats", dhcpServers: [7, 99] });
  assertEquals(said().map(({ name }) => name), ["Bob"]);
  assertEquals([...dhcpServers], [7]);
  stage.relaySays({ type: "peerLeft", ...bob, reason: "bye" });
  assertEquals([...dhcpServers], []);
});
