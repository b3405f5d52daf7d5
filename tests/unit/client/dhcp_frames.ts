/** DHCP replies for tests, built and read independently of the code under test. */

/** An option as it stands in a field. */
export type Option = readonly [code: number, ...value: number[]];

/** What a reply is made of; what is left out is as a plain offer has it. */
export interface Reply {
  readonly options: readonly Option[];
  /** Options behind overload; the option 52 itself must be among `options`. */
  readonly file?: readonly Option[];
  readonly sname?: readonly Option[];
  /** Raw bytes in place of a field. */
  readonly fileText?: string;
  readonly snameText?: string;
  /** Bytes of the options field; what is left is padded with zeros. */
  readonly optionsBytes?: number;
  /** Left out behind the last option. */
  readonly noEnd?: boolean;
  readonly checksum?: "right" | "zero" | "wrong";
  /** In front of the IPv4 header, in place of type 0800. */
  readonly encapsulation?: string;
  /** IPv4 options, hex, a multiple of 4 bytes. */
  readonly ipOptions?: string;
  readonly trailer?: number;
  readonly destination?: string;
  readonly chaddr?: string;
  readonly yourAddress?: readonly number[];
  /** The boot server and the relay agent; by default none. */
  readonly serverAddress?: readonly number[];
  readonly relayAddress?: readonly number[];
}

export const PLAYER_MAC = "020000000051";

/** A field of options with its end and its padding. */
export function optionField(options: readonly Option[], bytes: number, noEnd = false): number[] {
  const field = options.flatMap(([code, ...value]) =>
    code === 0 ? [0] : [code, value.length, ...value]
  );
  if (!noEnd) field.push(255);
  if (field.length > bytes) throw new Error("the options do not fit");
  return [...field, ...new Array(bytes - field.length).fill(0)];
}

/** The Ethernet frame of a reply. */
export function replyFrame(reply: Reply): Uint8Array {
  const optionsBytes = reply.optionsBytes ?? 100;
  const message = new Uint8Array(240 + optionsBytes);
  message.set([2, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
  message.set(reply.yourAddress ?? [10, 77, 0, 77], 16);
  message.set(reply.serverAddress ?? [0, 0, 0, 0], 20);
  message.set(reply.relayAddress ?? [0, 0, 0, 0], 24);
  message.set(Uint8Array.fromHex(reply.chaddr ?? PLAYER_MAC), 28);
  message.set(new TextEncoder().encode(reply.snameText ?? ""), 44);
  message.set(new TextEncoder().encode(reply.fileText ?? ""), 108);
  if (reply.sname !== undefined) message.set(optionField(reply.sname, 64), 44);
  if (reply.file !== undefined) message.set(optionField(reply.file, 128), 108);
  message.set([0x63, 0x82, 0x53, 0x63], 236);
  message.set(optionField(reply.options, optionsBytes, reply.noEnd), 240);

  const udp = new Uint8Array(8 + message.length);
  const udpView = new DataView(udp.buffer);
  udpView.setUint16(0, 67);
  udpView.setUint16(2, 68);
  udpView.setUint16(4, udp.length);
  udp.set(message, 8);

  const ipOptions = Uint8Array.fromHex(reply.ipOptions ?? "");
  const headerBytes = 20 + ipOptions.length;
  const packet = new Uint8Array(headerBytes + udp.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x40 | headerBytes / 4;
  view.setUint16(2, packet.length);
  packet[8] = 64;
  packet[9] = 17;
  packet.set([10, 77, 0, 1, 255, 255, 255, 255], 12);
  packet.set(ipOptions, 20);
  view.setUint16(10, checksumOf(packet.subarray(0, headerBytes)));
  packet.set(udp, headerBytes);
  const checksum = reply.checksum ?? "right";
  if (checksum !== "zero") {
    const right = udpChecksum(packet);
    view.setUint16(headerBytes + 6, checksum === "right" ? right : right ^ 0x0101);
  }

  const ethernet = Uint8Array.fromHex(
    (reply.destination ?? "ffffffffffff") + "020000000001" + (reply.encapsulation ?? "0800"),
  );
  const frame = new Uint8Array(ethernet.length + packet.length + (reply.trailer ?? 0)).fill(0xaa);
  frame.set(ethernet);
  frame.set(packet, ethernet.length);
  return frame;
}

/** The Internet checksum over bytes that hold zero where it belongs. */
export function checksumOf(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let index = 0; index < bytes.length; index++) {
    sum += index % 2 === 0 ? bytes[index] * 256 : bytes[index];
  }
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** The UDP checksum that an IPv4 packet should have, as it is sent. */
export function udpChecksum(packet: Uint8Array): number {
  const headerBytes = (packet[0] & 15) * 4;
  const udp = packet.slice(headerBytes);
  udp[6] = udp[7] = 0;
  const pseudo = new Uint8Array([...packet.subarray(12, 20), 0, 17, udp[4], udp[5]]);
  const sum = 0xffff - checksumOf(pseudo);
  return checksumOf(udp, sum) || 0xffff;
}

/** The UDP checksum that stands in an IPv4 packet. */
export function checksumIn(packet: Uint8Array): number {
  const at = (packet[0] & 15) * 4 + 6;
  return packet[at] * 256 + packet[at + 1];
}
