/**
 * What Linux' kernel itself takes from routers of the LAN by the adapter: set so that it would take nothing
 * that matters, even if a router's message reached it as it was. All of it goes with the adapter.
 */
import { type Logger, logText } from "./logging.ts";

/** What the player has allowed. */
export interface Ipv6GuardOptions {
  readonly allowLanDefaultRoute: boolean;
  readonly allowRouterAdvertisements: boolean;
}

/** By file in `/proc/sys/net/ipv6/conf/NAME` (Documentation/networking/ip-sysctl.rst). */
export function ipv6Settings(options: Ipv6GuardOptions): Readonly<Record<string, number>> {
  const { allowLanDefaultRoute, allowRouterAdvertisements } = options;
  const routes = allowLanDefaultRoute && allowRouterAdvertisements;
  return {
    accept_ra: allowRouterAdvertisements ? 1 : 0,
    accept_ra_defrtr: routes ? 1 : 0,
    accept_ra_rtr_pref: routes ? 1 : 0,
    accept_ra_rt_info_max_plen: routes ? 128 : -1,
    accept_ra_mtu: 0,
    accept_redirects: 0,
    accept_source_route: -1,
  };
}

/** Sets them for an adapter; a kernel without IPv6 or without one of them needs it not. */
export function guardIpv6(name: string, options: Ipv6GuardOptions, logger: Logger): void {
  for (const [file, value] of Object.entries(ipv6Settings(options))) {
    try {
      Deno.writeTextFileSync(`/proc/sys/net/ipv6/conf/${name}/${file}`, `${value}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      const why = error instanceof Error ? error.message : String(error);
      // What would come is scrubbed in any case: no reason not to play.
      logText(logger, "debug", `The adapter's ${file} stays as it is: ${why}`);
    }
  }
}
