/** Values of options that have more than one part. */
import { parseEndpointAddress } from "../ctrl/address.ts";
import { parseKeyHash } from "../ctrl/keys.ts";
import { parseRoomCode } from "../ctrl/room.ts";

/** `ROOM=HOST:PORT` as its two parts, or `undefined`. */
export function parseRedirect(text: string): { room: string; relay: string } | undefined {
  const at = text.indexOf("=");
  if (at < 0) return undefined;
  const room = parseRoomCode(text.slice(0, at));
  const relay = text.slice(at + 1);
  return room === undefined || parseEndpointAddress(relay) === undefined
    ? undefined
    : { room, relay };
}

/** `ROOM=HASH` as its two parts, or `undefined`. */
export function parseAllowedRoom(text: string): { room: string; hash: Uint8Array } | undefined {
  const at = text.indexOf("=");
  if (at < 0) return undefined;
  const room = parseRoomCode(text.slice(0, at));
  const hash = parseKeyHash(text.slice(at + 1));
  return room === undefined || hash === undefined ? undefined : { room, hash };
}
