import { assertEquals } from "@std/assert";
import { interfaceTo, parseRoutes } from "../../src/route/linux_routes.ts";

/** A PC with Wi-Fi and cable, both with a default route, and the party's adapter. */
const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0102A8C0	0003	0	0	100	00000000	0	0	0
lanparty0	00004D0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	000000E0	00000000	0000	0	0	0	000000F0	0	0	0
`;

Deno.test("the best route is the longest, then that of the least metric", () => {
  const routes = parseRoutes(ROUTES);
  assertEquals(routes.length, 3); // one is down
  assertEquals(interfaceTo(routes, [255, 255, 255, 255]), "eth0");
  assertEquals(interfaceTo(routes, [224, 0, 0, 251]), "eth0");
  assertEquals(interfaceTo(routes, [10, 77, 0, 5]), "lanparty0");
  const multicast = ROUTES.replace(
    "eth1	000000E0	00000000	0000",
    "eth1	000000E0	00000000	0001",
  );
  assertEquals(interfaceTo(parseRoutes(multicast), [224, 0, 0, 251]), "eth1");
});

Deno.test("without routes there is no way", () => {
  assertEquals(interfaceTo(parseRoutes(""), [10, 0, 0, 1]), undefined);
  assertEquals(interfaceTo(parseRoutes("Iface\nhalf a line"), [10, 0, 0, 1]), undefined);
});
