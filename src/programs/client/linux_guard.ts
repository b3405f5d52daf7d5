/**
 * What Linux' kernel itself takes from the party by the adapter, and does for it: set so that it would take and
 * do nothing that matters, even if a message reached it as it was. All of it goes with the adapter.
 *
 * @module
 */
import { reasonOf } from "../../log/user_error.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** What the player has allowed. */
export interface LinuxGuardOptions {
  readonly allowLanDefaultRoute: boolean;
  readonly allowRouterAdvertisements: boolean;
}

/** By file in `/proc/sys/net/ipv4/conf/NAME` (Documentation/networking/ip-sysctl.rst). */
export function ipv4Settings(options: LinuxGuardOptions): Readonly<Record<string, number>> {
  return {
    // This PC is no router between the party and its other networks.
    forwarding: 0,
    // Its other addresses are neither told nor asked from.
    arp_ignore: 1,
    arp_announce: 2,
    accept_source_route: 0,
    // Nobody speaks for an address that is reached elsewhere.
    ...(options.allowLanDefaultRoute ? {} : { rp_filter: 1 }),
  };
}

/** By file in `/proc/sys/net/ipv6/conf/NAME`. */
export function ipv6Settings(options: LinuxGuardOptions): Readonly<Record<string, number>> {
  const { allowLanDefaultRoute, allowRouterAdvertisements } = options;
  const routes = allowLanDefaultRoute && allowRouterAdvertisements;
  return {
    // First: the kernel sets others anew with it.
    forwarding: 0,
    accept_ra: allowRouterAdvertisements ? 1 : 0,
    accept_ra_defrtr: routes ? 1 : 0,
    accept_ra_rtr_pref: routes ? 1 : 0,
    accept_ra_rt_info_max_plen: routes ? 128 : -1,
    accept_ra_mtu: 0,
    accept_redirects: 0,
    accept_source_route: -1,
  };
}

/**
 * Sets them for an adapter that is not up yet; a kernel without IPv6 or without one of them needs it not.
 */
export function guardAdapter(name: string, options: LinuxGuardOptions, logger: Logger): void {
  const settings = { ipv4: ipv4Settings(options), ipv6: ipv6Settings(options) };
  for (const [family, values] of Object.entries(settings)) {
    for (const [file, value] of Object.entries(values)) {
      try {
        Deno.writeTextFileSync(`/proc/sys/net/${family}/conf/${name}/${file}`, `${value}`);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) continue;
        const why = reasonOf(error);
        // What would come is judged and scrubbed in any case: no reason not to play.
        logText(logger, "debug", `The adapter's ${family} ${file} stays as it is: ${why}`);
      }
    }
  }
}
