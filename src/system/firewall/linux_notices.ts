/**
 * That rules of nftables have changed, whoever has changed them: nft, iptables in its newer form, ufw, firewalld
 * (linux/netfilter/nfnetlink.h, `NFNLGRP_NFTABLES`). The older form of iptables tells nobody.
 *
 * @module
 */
import { SystemCallError } from "../../ffi/libc.ts";
import { NetfilterGroup, NETLINK_NETFILTER } from "../../ffi/netlink_constants.ts";
import { NetlinkNotices } from "../netlink/mod.ts";

/** See the module. */
export class FirewallNotices {
  readonly #notices: NetlinkNotices | undefined;

  constructor() {
    try {
      this.#notices = new NetlinkNotices(NetfilterGroup.nftables, NETLINK_NETFILTER);
    } catch (error) {
      // A kernel without nftables has nothing to tell.
      if (!(error instanceof SystemCallError)) throw error;
    }
  }

  /** Whether something has changed since the last time. */
  take(): boolean {
    return this.#notices?.take() ?? false;
  }

  close(): void {
    this.#notices?.close();
  }
}
