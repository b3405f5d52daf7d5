/** A DHCP server of the simulated LAN, which knows RFC 2131 by itself: nothing of the client's code. */

/** How a server is. */
export interface DhcpServerSettings {
  /** The last byte of its address, and of its MAC: 192.0.2.x. */
  readonly number: number;
  /** The last bytes of what it gives out. */
  readonly first: number;
  readonly last: number;
  readonly leaseSeconds: number;
  /** Says no to requests that it knows nothing of, instead of leaving them to others. */
  readonly authoritative?: boolean;
  /** Says no to every request. */
  readonly refuses?: boolean;
}

/** A message of a client, read. */
export interface DhcpQuestion {
  readonly type: number;
  readonly xid: number;
  readonly seconds: number;
  readonly clientAddress: number;
  readonly requested: number | undefined;
  readonly server: number | undefined;
  readonly parameters: readonly number[];
  readonly hostName: string | undefined;
  readonly mac: string;
  readonly isBroadcast: boolean;
}

interface Entry {
  readonly address: number;
  /** An offer is kept for a while only. */
  untilMs: number;
}

const NETWORK = 0xc0000200;
const OFFER_MS = 30_000;

export const address = (last: number) => NETWORK + last;

/** Reads the frame of a client; every field that a server looks at is checked. */
export function readQuestion(frame: Uint8Array): DhcpQuestion {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const must = (what: string, isSo: boolean) => {
    if (!isSo) throw new Error(`a DHCP message with a wrong ${what}`);
  };
  must("type", view.getUint16(12) === 0x0800 && frame[14] === 0x45 && frame[23] === 17);
  must("length", view.getUint16(16) === frame.length - 14);
  must("UDP length", view.getUint16(38) === frame.length - 34 && frame.length >= 342);
  must("port", view.getUint16(34) === 68 && view.getUint16(36) === 67);
  must("IP checksum", onesSum(view, 14, 34, 0) === 0xffff);
  const pseudo = 17 + view.getUint16(38);
  const addresses = view.getUint16(26) + view.getUint16(28) + view.getUint16(30) +
    view.getUint16(32);
  must("UDP checksum", onesSum(view, 34, frame.length, pseudo + addresses) === 0xffff);
  must("op", frame[42] === 1 && frame[43] === 1 && frame[44] === 6);
  must("cookie", view.getUint32(278) === 0x63825363);
  const hex = (at: number) => frame.slice(at, at + 6).toHex();
  must("MAC", hex(70) === hex(6));
  const options = new Map<number, Uint8Array>();
  for (let at = 282; frame[at] !== 255; at += 2 + frame[at + 1]) {
    must("option", at + 2 + frame[at + 1] < frame.length && !options.has(frame[at]));
    options.set(frame[at], frame.slice(at + 2, at + 2 + frame[at + 1]));
  }
  const number = (code: number) => {
    const value = options.get(code);
    return value && new DataView(value.buffer).getUint32(0);
  };
  must("client identifier", options.get(61)?.toHex() === `01${hex(6)}`);
  const clientAddress = view.getUint32(54);
  must("source", view.getUint32(26) === clientAddress);
  const hostName = options.get(12);
  return {
    type: options.get(53)![0],
    xid: view.getUint32(46),
    seconds: view.getUint16(50),
    clientAddress,
    requested: number(50),
    server: number(54),
    parameters: [...options.get(55) ?? []],
    hostName: hostName && new TextDecoder().decode(hostName),
    mac: hex(6),
    isBroadcast: hex(0) === "ffffffffffff",
  };
}

function onesSum(view: DataView, start: number, end: number, first: number): number {
  let sum = first;
  for (let at = start; at < end; at += 2) {
    sum += at + 1 < end ? view.getUint16(at) : view.getUint8(at) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** What a server says, without the headers around it. */
export interface Answer {
  readonly message: Uint8Array;
  readonly serverMac: Uint8Array;
}

/** A server: what it knows of its clients. */
export class SimDhcpServer {
  readonly entries = new Map<string, Entry>();
  readonly declined = new Set<number>();
  readonly heard: DhcpQuestion[] = [];
  isUp = true;

  constructor(readonly settings: DhcpServerSettings) {}

  get id(): number {
    return address(this.settings.number);
  }

  get mac(): Uint8Array {
    return Uint8Array.of(2, 0, 0, 0, 1, this.settings.number);
  }

  /** What it answers to a frame that has reached it. */
  hear(frame: Uint8Array, nowMs: number): Answer | undefined {
    const question = readQuestion(frame);
    if (!question.isBroadcast && frame.slice(0, 6).toHex() !== this.mac.toHex()) return undefined;
    if (!this.isUp) return undefined;
    this.heard.push(question);
    for (const [mac, { untilMs }] of this.entries) if (untilMs <= nowMs) this.entries.delete(mac);
    switch (question.type) {
      case 1:
        return this.#offer(question, nowMs);
      case 3:
        return this.#decide(question, nowMs);
      case 4:
        if (question.server === this.id) this.declined.add(question.requested!);
        if (question.server === this.id) this.entries.delete(question.mac);
        return undefined;
      case 7:
        if (question.server === this.id) this.entries.delete(question.mac);
        return undefined;
    }
    throw new Error(`message type ${question.type}`);
  }

  #offer(question: DhcpQuestion, nowMs: number): Answer | undefined {
    const known = this.entries.get(question.mac)?.address;
    const { requested } = question;
    const wanted = requested !== undefined && this.#isFree(requested) ? requested : this.#next();
    const offered = known ?? wanted;
    if (offered === undefined) return undefined;
    if (known === undefined) {
      this.entries.set(question.mac, { address: offered, untilMs: nowMs + OFFER_MS });
    }
    return this.answer(question, 2, offered);
  }

  #decide(question: DhcpQuestion, nowMs: number): Answer | undefined {
    const { settings } = this;
    const entry = this.entries.get(question.mac);
    if (question.server !== undefined && question.server !== this.id) {
      // Another server's offer was taken.
      this.entries.delete(question.mac);
      return undefined;
    }
    if (settings.refuses) return this.answer(question, 6, 0);
    const asked = question.requested ?? question.clientAddress;
    const isNew = entry === undefined && settings.authoritative && this.#isFree(asked);
    if (entry?.address === asked || isNew) {
      const lasts = settings.leaseSeconds === 0xffffffff ? Infinity : settings.leaseSeconds * 1_000;
      this.entries.set(question.mac, { address: asked, untilMs: nowMs + lasts });
      return this.answer(question, 5, asked);
    }
    const saysNo = entry !== undefined || settings.authoritative || question.server === this.id;
    return saysNo ? this.answer(question, 6, 0) : undefined;
  }

  /** A message of this server's. */
  answer(question: DhcpQuestion, type: number, yours: number, lease?: number): Answer {
    const { leaseSeconds } = this.settings;
    const message = new Uint8Array(300);
    const view = new DataView(message.buffer);
    message.set([2, 1, 6, 0]);
    view.setUint32(4, question.xid);
    view.setUint32(16, yours);
    message.set(Uint8Array.fromHex(question.mac), 28);
    const number = (value: number) => [value >>> 24, value >>> 16, value >>> 8, value];
    message.set([
      ...[0x63, 0x82, 0x53, 0x63, 53, 1, type, 54, 4, ...number(this.id)],
      ...type === 6 ? [] : [51, 4, ...number(lease ?? leaseSeconds), 1, 4, 255, 255, 255, 0],
      255,
    ], 236);
    return { message, serverMac: this.mac };
  }

  #isFree(wanted: number): boolean {
    const { first, last } = this.settings;
    if (wanted < address(first) || wanted > address(last) || this.declined.has(wanted)) {
      return false;
    }
    return ![...this.entries.values()].some((entry) => entry.address === wanted);
  }

  #next(): number | undefined {
    const { first, last } = this.settings;
    for (let host = first; host <= last; host++) {
      if (this.#isFree(address(host))) return address(host);
    }
    return undefined;
  }
}
