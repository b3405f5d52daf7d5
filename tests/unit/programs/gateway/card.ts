import type { JudgedInterface } from "../../../../src/programs/gateway/interfaces.ts";

/** A card with a cable, which is as good for a LAN as one can be. */
export const CARD: JudgedInterface = {
  name: "eth0",
  up: true,
  carrier: true,
  ethernet: true,
  loopback: false,
  mtu: 1500,
  wireless: false,
  bridge: false,
  master: undefined,
  bondSlave: false,
  driver: "e1000e",
  virtualFunction: false,
};
