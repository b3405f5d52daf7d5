/**
 * The first message of an endpoint.
 *
 * @module
 */

import { NAME_CODE_POINTS_MAX } from "../control/schema.ts";
import { cleanText } from "../proto/clean_text.ts";
import {
  AGENT_CODE_POINTS_MAX,
  CONTROL_PROTOCOL_VERSION,
  Feature,
  type Hello,
} from "../control/messages.ts";
import type { SessionOptions } from "./actions.ts";

/**
 * The hello of an endpoint. Name and agent are cut to what the protocol allows; room, MAC and keys
 * must be right, since another one would be another room or player.
 *
 * @param datagramBudget bytes that one datagram can carry
 * @param resume the token of an earlier session, if there is one
 */
export function buildHello(
  options: SessionOptions,
  datagramBudget: number,
  resume: string | undefined,
): Hello {
  const { room, mac, name, agent, roomKey, gatewayKey } = options;
  const common = {
    type: "hello",
    protocol: CONTROL_PROTOCOL_VERSION,
    room,
    datagramBudget,
    agent: cleanText(agent, AGENT_CODE_POINTS_MAX),
    ...(name === undefined ? {} : { name: cleanText(name, NAME_CODE_POINTS_MAX) }),
    ...(resume === undefined ? {} : { resume }),
  } as const;
  if (options.role === "gateway") {
    return {
      ...common,
      role: "gateway",
      features: [Feature.removal, Feature.hostRequests, Feature.roomMtu],
      //= PROTOCOL.md 7.3
      //# Players get the room key, only the gateway has the gateway key.
      ...(gatewayKey === undefined ? {} : { gatewayKey }),
    };
  }
  return {
    ...common,
    features: [Feature.removal, Feature.roomMtu],
    role: "client",
    mac: mac ?? "",
    ...(roomKey === undefined ? {} : { roomKey }),
  };
}
