/**
 * A configuration: protocol, transport settings and credentials of connections.
 *
 * @module
 */

import { EMPTY_FILE, setCVariable } from "../system/environment/mod.ts";
import { cString, Struct } from "../ffi/layout.ts";
import {
  CongestionControl,
  CredentialFlag,
  CredentialType,
  ServerResumption,
  SettingBit,
} from "../ffi/msquic_constants.ts";
import {
  QUIC_BUFFER,
  QUIC_CERTIFICATE_FILE,
  QUIC_CREDENTIAL_CONFIG,
  QUIC_SETTINGS,
} from "../ffi/msquic_layout.ts";
import type { QuicContext } from "./context.ts";
import { checkStatus } from "./error.ts";

/** Transport settings; every one has a default that suits a LAN party. */
export interface QuicSettings {
  /** A connection that hears nothing for so long is over. */
  readonly idleTimeoutMs: number;
  /** After so long without traffic a packet is sent that the peer must acknowledge; 0: never. */
  readonly keepAliveMs: number;
  /** A handshake without progress for so long has failed. */
  readonly handshakeIdleTimeoutMs: number;
  /** Data without an acknowledgement for so long: the path is dead. */
  readonly disconnectTimeoutMs: number;
  readonly congestionControl: "bbr" | "cubic";
  /** Whether packets are spread over the round trip. */
  readonly pacing: boolean;
  /** Packets that may be sent before anything is known about the path. */
  readonly initialWindowPackets: number;
  /** Where path MTU discovery begins and ends, IP header included: 1248 … 1500 (RFC 8899). */
  readonly mtuMinBytes: number;
  readonly mtuMaxBytes: number;
  /** Bidirectional streams that the peer may have open at a time. */
  readonly peerStreamsMax: number;
  /** Bytes that a stream's peer may send before they are read: a power of two, at least 16 KiB. */
  readonly streamReceiveWindowBytes: number;
  /**
   * Longest delay before an acknowledgement (RFC 9000, 13.2.1). The sender waits so much longer before
   * it takes the last packets of a window for lost: on a narrow path with a short round trip a long
   * delay leaves the path empty again and again.
   */
  readonly ackDelayMaxMs: number;
}

/** See {@linkcode QuicSettings}. */
export const QUIC_SETTINGS_DEFAULT: QuicSettings = {
  //= PROTOCOL.md 3
  //# | `max_idle_timeout` | 15 s, on both sides
  idleTimeoutMs: 15_000,
  //= PROTOCOL.md 3
  //# | keep-alive | each endpoint sends something at least every 5 s (a PING frame if nothing else)
  keepAliveMs: 5_000,
  handshakeIdleTimeoutMs: 10_000,
  disconnectTimeoutMs: 15_000,
  congestionControl: "bbr",
  pacing: false,
  initialWindowPackets: 10,
  //= PROTOCOL.md 3
  //# | path MTU discovery | RFC 8899, on both sides: section 10 depends on it
  mtuMinBytes: 1248,
  mtuMaxBytes: 1500,
  peerStreamsMax: 0,
  streamReceiveWindowBytes: 65_536,
  //= PROTOCOL.md 3
  //# | `max_ack_delay` | should be 5 ms on both sides: who sends waits so much longer before the
  //# last packets of a window are lost to it, and a narrow path is empty for that time
  ackDelayMaxMs: 5,
};

/** A server proves itself by a certificate, a client says whom it trusts. */
export type QuicCredentials =
  | {
    readonly role: "server";
    /** PEM: the leaf, then what leads to a CA. */
    readonly certificateFile: string;
    /** PEM, without a password. */
    readonly privateKeyFile: string;
  }
  | {
    readonly role: "client";
    /**
     * PEM with the only CAs to be trusted. Without it no chain is trusted, and the handler's
     * `certificate` decides alone (a pinned leaf, say).
     */
    readonly caFile?: string;
  };

/** What a configuration is made from. */
export interface QuicConfigurationOptions {
  /** The application protocol (ALPN), e.g. `lanparty/1`. */
  readonly alpn: string;
  readonly credentials: QuicCredentials;
  readonly settings?: Partial<QuicSettings>;
}

/** A `QUIC_BUFFER` for a protocol name, with the memory that it points at. */
export class AlpnBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #name: Uint8Array<ArrayBuffer>;

  constructor(alpn: string) {
    this.#name = new TextEncoder().encode(alpn);
    if (this.#name.length < 1 || this.#name.length > 255) {
      throw new RangeError("an ALPN has 1 to 255 bytes");
    }
    this.bytes = new Struct(QUIC_BUFFER)
      .setNumber("Length", this.#name.length)
      .setBuffer("Buffer", this.#name).bytes;
  }
}

/** See the module's comment. Made by `QuicLibrary.openConfiguration`. */
export class QuicConfiguration {
  readonly role: "server" | "client";
  readonly alpn: AlpnBuffer;
  readonly #context: QuicContext;
  #handle: Deno.PointerValue = null;

  /** @throws {QuicError} if settings or credentials are not accepted */
  constructor(context: QuicContext, options: QuicConfigurationOptions) {
    this.#context = context;
    this.role = options.credentials.role;
    this.alpn = new AlpnBuffer(options.alpn);
    const settings = writeSettings({ ...QUIC_SETTINGS_DEFAULT, ...options.settings });
    const out = new BigUint64Array(1);
    checkStatus(
      "MsQuicConfigurationOpen",
      context.quic.MsQuicConfigurationOpen(
        context.registration,
        this.alpn.bytes,
        1,
        settings,
        settings.length,
        null,
        out,
      ),
    );
    this.#handle = Deno.UnsafePointer.create(out[0]);
    try {
      if (options.credentials.role === "server") this.#loadServer(options.credentials);
      else this.#loadClient(options.credentials);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** msquic's handle. Internal. */
  get handle(): Deno.PointerValue {
    return this.#handle;
  }

  /** Gives the configuration back; connections that use it keep it alive. */
  close(): void {
    if (this.#handle === null) return;
    this.#context.quic.MsQuicConfigurationClose(this.#handle);
    this.#handle = null;
  }

  #loadServer(credentials: QuicCredentials & { role: "server" }): void {
    const files = new Struct(QUIC_CERTIFICATE_FILE)
      .setBuffer("PrivateKeyFile", cString(credentials.privateKeyFile))
      .setBuffer("CertificateFile", cString(credentials.certificateFile));
    const config = new Struct(QUIC_CREDENTIAL_CONFIG)
      .setNumber("Type", CredentialType.CERTIFICATE_FILE)
      .setNumber("Flags", CredentialFlag.NONE)
      .setBuffer("CertificateFile", files);
    this.#load(config, `${credentials.certificateFile}, ${credentials.privateKeyFile}`);
  }

  /**
   * The TLS library checks the chain (`USE_TLS_BUILTIN`), but its verdict is only reported
   * (`DEFER`), together with the certificates as DER (`INDICATE`, `PORTABLE`): the connection's
   * handler decides, before the handshake goes on.
   */
  #loadClient(credentials: QuicCredentials & { role: "client" }): void {
    const config = new Struct(QUIC_CREDENTIAL_CONFIG);
    let flags = CredentialFlag.CLIENT | CredentialFlag.INDICATE_CERTIFICATE_RECEIVED |
      CredentialFlag.DEFER_CERTIFICATE_VALIDATION | CredentialFlag.USE_PORTABLE_CERTIFICATES |
      CredentialFlag.USE_TLS_BUILTIN_CERTIFICATE_VALIDATION;
    if (credentials.caFile !== undefined) {
      flags |= CredentialFlag.SET_CA_CERTIFICATE_FILE;
      config.setBuffer("CaCertificateFile", cString(credentials.caFile));
    }
    config.setNumber("Type", CredentialType.NONE).setNumber("Flags", flags);
    withoutDefaultStore(() => this.#load(config, credentials.caFile));
  }

  #load(config: Struct<typeof QUIC_CREDENTIAL_CONFIG>, detail?: string): void {
    const load = this.#context.quic.MsQuicConfigurationLoadCredential;
    checkStatus("MsQuicConfigurationLoadCredential", load(this.#handle, config.bytes), detail);
  }
}

/**
 * Runs a function while OpenSSL's default store is out of reach: it is loaded besides the CA file
 * that was asked for, and a certificate of any public CA would then pass where one private CA is
 * meant to be the only one.
 */
function withoutDefaultStore(load: () => void): void {
  const names = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
  const before = names.map((name) => Deno.env.get(name));
  for (const name of names) setCVariable(name, EMPTY_FILE);
  try {
    load();
  } finally {
    names.forEach((name, i) => setCVariable(name, before[i]));
  }
}

function writeSettings(settings: QuicSettings): Uint8Array<ArrayBuffer> {
  const struct = new Struct(QUIC_SETTINGS);
  let isSet = 0;
  const set = (name: keyof typeof SettingBit, value: number) => {
    struct.setNumber(name, value);
    isSet += 2 ** SettingBit[name];
  };
  set("HandshakeIdleTimeoutMs", settings.handshakeIdleTimeoutMs);
  set("IdleTimeoutMs", settings.idleTimeoutMs);
  set("DisconnectTimeoutMs", settings.disconnectTimeoutMs);
  set("KeepAliveIntervalMs", settings.keepAliveMs);
  set("MaxAckDelayMs", settings.ackDelayMaxMs);
  set("StreamRecvWindowDefault", settings.streamReceiveWindowBytes);
  set("InitialWindowPackets", settings.initialWindowPackets);
  set(
    "CongestionControlAlgorithm",
    CongestionControl[settings.congestionControl === "bbr" ? "BBR" : "CUBIC"],
  );
  set("PeerBidiStreamCount", settings.peerStreamsMax);
  set("PeerUnidiStreamCount", 0);
  set("MinimumMtu", settings.mtuMinBytes);
  set("MaximumMtu", settings.mtuMaxBytes);
  set("SendBufferingEnabled", 0);
  set("PacingEnabled", settings.pacing ? 1 : 0);
  //= PROTOCOL.md 3
  //# | version | QUIC 1 (RFC 9000), with datagrams (RFC 9221)
  set("DatagramReceiveEnabled", 1);
  //= PROTOCOL.md 3
  //# | 0-RTT | must not be used or accepted: a hello could be replayed
  set("ServerResumptionLevel", ServerResumption.NO_RESUME);
  struct.setNumber("IsSetFlags", isSet);
  return struct.bytes;
}
