import { formatCidr, parseCidr } from "../../../src/proto/ip.ts";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseLanNetwork } from "../../../src/client/lan_networks.ts";
import { fixedAddress } from "../../../src/cli/client_options.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { ipv4Settings, ipv6Settings } from "../../../src/programs/client/linux_guard.ts";
import { UserError } from "../../../src/log/user_error.ts";

const parse = (...args: string[]) =>
  parseCommandLine(CLIENT_PROGRAM, ["--relay", "relay.example", "--room", "PARTY", ...args]);

Deno.test("--address takes what a LAN may have, and asks for leave where others have it", () => {
  assertEquals(fixedAddress(undefined, []), undefined);
  for (const text of ["10.77.0.50/8", "192.168.1.77/24", "100.64.0.5/10", "169.254.3.4/16"]) {
    assertEquals(formatCidr(fixedAddress(parseCidr(text), [])!), text);
  }
  const allowed = [parseLanNetwork("203.0.113.0/24")!];
  assertEquals(formatCidr(fixedAddress(parseCidr("203.0.113.7/24"), allowed)!), "203.0.113.7/24");
  const refusals: [string, RegExp][] = [
    ["8.8.8.58/24", /8\.8\.8\.0\/24 is not for private use.* --allow-lan-network 8\.8\.8\.0\/24$/],
    ["192.168.1.77/15", /192\.168\.0\.0\/15 is not for private use/],
    ["10.77.0.50/1", /no LAN is as large as 0\.0\.0\.0\/1$/],
    ["10.77.0.255/24", /no PC can have this address$/],
    ["127.0.0.1/8", /no PC can have this address$/],
    ["203.0.113.7/23", /203\.0\.112\.0\/23 is not for private use/],
  ];
  for (const [text, why] of refusals) {
    const error = assertThrows(() => fixedAddress(parseCidr(text), allowed), UserError);
    assertMatch(error.message, why);
    assertEquals(error.message.startsWith(`--address ${text}: `), true);
    assertEquals(error.usage, true);
  }
});

Deno.test("--allow-lan-network may be repeated, and takes networks alone", () => {
  const networks = ["203.0.113.0/24", "2001:db8:7::/64"];
  const parsed = parse(...networks.flatMap((text) => ["--allow-lan-network", text]));
  if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
  assertEquals(parsed.values.list("allow-lan-network"), networks);
  for (const text of ["203.0.113.0", "0.0.0.0/0", "2000::/3", "lan"]) {
    const wrong = parse("--allow-lan-network", text);
    if (wrong.kind !== "usage-error") throw new Error(text);
    assertMatch(wrong.message, /--allow-lan-network ".*": expected a network like 203\.0\.113\.0/);
  }
});

Deno.test("Linux takes routers' word as far as the player allows it, and no MTU or redirect ever", () => {
  const settings = (allowRouterAdvertisements: boolean, allowLanDefaultRoute: boolean) => {
    const { accept_ra, accept_ra_defrtr, accept_ra_rt_info_max_plen, ...rest } = ipv6Settings({
      allowRouterAdvertisements,
      allowLanDefaultRoute,
    });
    assertEquals([rest["accept_ra_mtu"], rest["accept_redirects"]], [0, 0]);
    return [accept_ra, accept_ra_defrtr, accept_ra_rt_info_max_plen];
  };
  assertEquals(settings(false, false), [0, 0, -1]);
  assertEquals(settings(false, true), [0, 0, -1]);
  assertEquals(settings(true, false), [1, 0, -1]);
  assertEquals(settings(true, true), [1, 1, 128]);
});

Deno.test("Linux' adapter is no way to this PC's other networks, and its other addresses are not told", () => {
  const settings = (allowLanDefaultRoute: boolean) => {
    const options = { allowLanDefaultRoute, allowRouterAdvertisements: false };
    assertEquals(ipv6Settings(options)["forwarding"], 0);
    // The kernel sets `accept_redirects` and others anew with it.
    assertEquals(Object.keys(ipv6Settings(options))[0], "forwarding");
    return ipv4Settings(options);
  };
  const always = { forwarding: 0, arp_ignore: 1, arp_announce: 2, accept_source_route: 0 };
  assertEquals(settings(false), { ...always, rp_filter: 1 });
  // The internet may be behind the LAN then, and the home's way to it remains.
  assertEquals(settings(true), always);
});
