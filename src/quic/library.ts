/**
 * The QUIC library of a process, run by its reactor.
 *
 * @module
 */

import { cString, Struct } from "../ffi/layout.ts";
import { nativeMemory } from "../ffi/memory.ts";
import {
  ExecutionProfile,
  Param,
  PerfCounter,
  QUIC_API_VERSION_2,
  STATELESS_RESET_KEY_BYTES,
} from "../ffi/msquic_constants.ts";
import {
  CXPLAT_SQE,
  QUIC_EXECUTION_CONFIG,
  QUIC_REGISTRATION_CONFIG,
} from "../ffi/msquic_layout.ts";
import { openMsQuic } from "./msquic_open.ts";
import type { MsQuicLibrary } from "../ffi/msquic.ts";
import { CXPLAT_SQE_WINDOWS } from "../ffi/windows_msquic.ts";
import { parseIpv4, parseIpv6 } from "../proto/ip.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { Poller, Reactor } from "../reactor/mod.ts";
import { AddressFamily, writeAddress } from "./address.ts";
import type { QuicAddress } from "./address.ts";
import { QuicConfiguration } from "./configuration.ts";
import type { QuicConfigurationOptions } from "./configuration.ts";
import { QuicConnection } from "./connection.ts";
import type { QuicConnectionHandler } from "./connection.ts";
import { QuicContext } from "./context.ts";
import type { QuicCounters } from "./context.ts";
import { checkStatus } from "./error.ts";
import { QuicListener } from "./listener.ts";
import type { QuicListenOptions } from "./listener.ts";

/** What `ExecutionPoll` returns if no timer is set. */
const NO_TIMER = 0xffff_ffff;

/** What a completion's address points at on this system, and where its function is. */
const SQE = Deno.build.os === "windows" ? CXPLAT_SQE_WINDOWS : CXPLAT_SQE;
const SQE_BYTES = BigInt(SQE.sizeBytes);
const COMPLETION_WORD = SQE.fields.Completion.offset >> 3;

/** Turns that `close` waits for connections to be freed. */
const CLOSE_TURNS_MAX = 1_000;

/** Where a connection goes. */
export interface QuicConnectOptions {
  readonly configuration: QuicConfiguration;
  /** An address that is resolved already (see `resolveHost`): nothing here waits for a resolver. */
  readonly address: QuicAddress;
  /** The name in the handshake (SNI, RFC 6066); an IP address is not sent. */
  readonly serverName: string;
}

/** Connections that are attended to before this program looks at what came of it. */
const POLLS_MAX = 32;
/** Datagrams that came or went meanwhile: fewer than msquic has slots for. */
const LOGGED_MAX = 64;

/** Runs msquic in the reactor: polls it, and calls its completion functions. */
class MsQuicPoller implements Poller {
  readonly #context: QuicContext;
  readonly #poll: (execution: Deno.PointerValue) => number;
  readonly #execution: Deno.PointerValue;
  /** Scratch: the `CXPLAT_SQE` that an event's data points at. */
  readonly #sqe = new BigUint64Array(SQE.sizeBytes / 8);
  readonly #memcpy = nativeMemory().memcpy;
  readonly #bsearch = nativeMemory().bsearch;

  constructor(context: QuicContext, execution: Deno.PointerValue) {
    this.#context = context;
    this.#poll = context.quic.MsQuicExecutionPoll;
    this.#execution = execution;
  }

  /** One poll of msquic's attends to one connection. */
  poll(): number {
    let waitMs = 0;
    for (let polls = 0; polls < POLLS_MAX && waitMs === 0; polls++) {
      waitMs = this.#poll(this.#execution);
      if (this.#context.datagramsLogged >= LOGGED_MAX) break;
    }
    this.#context.drainDatagrams();
    this.#context.rethrow();
    return waitMs === NO_TIMER ? Infinity : waitMs;
  }

  complete(event: Deno.PointerObject, data: bigint): void {
    this.#memcpy(this.#sqe, data, SQE_BYTES);
    this.#bsearch(event, event, 1n, 1n, this.#sqe[COMPLETION_WORD]);
    this.#context.rethrow();
  }
}

/** See the module's comment. There is one for each reactor. */
export class QuicLibrary {
  readonly #library: MsQuicLibrary;
  readonly #context: QuicContext;
  readonly #configurations: Set<QuicConfiguration> = new Set();
  readonly #execution = new BigUint64Array(1);
  readonly #api = new BigUint64Array(1);
  readonly #removePoller: () => void;
  /** Memory that msquic refers to as long as it runs: a descriptor, or a HANDLE. */
  readonly #queue: Int32Array<ArrayBuffer>;

  /**
   * Loads libmsquic and lets the reactor run it.
   *
   * @param source the library's file, or its bytes
   * @throws {QuicError} if it cannot be initialized
   */
  static open(
    source: string | Uint8Array<ArrayBuffer>,
    reactor: Reactor,
    pool: BufferPool,
  ): QuicLibrary {
    return new QuicLibrary(openMsQuic(source), reactor, pool);
  }

  private constructor(library: MsQuicLibrary, reactor: Reactor, pool: BufferPool) {
    const quic = library.symbols;
    this.#library = library;
    this.#context = new QuicContext(quic, reactor, pool);
    checkStatus("MsQuicOpenVersion", quic.MsQuicOpenVersion(QUIC_API_VERSION_2, this.#api));
    this.#queue = new Int32Array([reactor.queueFd, 0]);
    const execution = new Struct(QUIC_EXECUTION_CONFIG)
      .setNumber("IdealProcessor", 0)
      .setBuffer("EventQ", this.#queue);
    checkStatus(
      "MsQuicExecutionCreate",
      quic.MsQuicExecutionCreate(0, 0, 1, execution.bytes, this.#execution),
    );
    const registration = new Struct(QUIC_REGISTRATION_CONFIG)
      .setBuffer("AppName", cString("lanparty"))
      .setNumber("ExecutionProfile", ExecutionProfile.LOW_LATENCY);
    const out = new BigUint64Array(1);
    checkStatus("MsQuicRegistrationOpen", quic.MsQuicRegistrationOpen(registration.bytes, out));
    this.#context.registration = Deno.UnsafePointer.create(out[0]);
    const poller = new MsQuicPoller(
      this.#context,
      Deno.UnsafePointer.create(this.#execution[0]),
    );
    this.#removePoller = reactor.setPoller(poller);
  }

  /** Datagrams that were dropped on this side of msquic. */
  get counters(): Readonly<QuicCounters> {
    return this.#context.counters;
  }

  /** Slots of the pool that wait for datagrams: free, but not for others. */
  get slotsInHand(): number {
    return this.#context.slotsInHand;
  }

  /** `major.minor.patch.build`. */
  get version(): string {
    const version = new Uint32Array(4);
    const size = new Uint32Array([version.byteLength]);
    const { MsQuicGetParam } = this.#context.quic;
    const status = MsQuicGetParam(null, Param.GLOBAL_LIBRARY_VERSION, size, version);
    checkStatus("MsQuicGetParam", status);
    return version.join(".");
  }

  /**
   * Makes a configuration.
   *
   * @throws {QuicError} if settings or credentials are not accepted
   */
  openConfiguration(options: QuicConfigurationOptions): QuicConfiguration {
    const configuration = new QuicConfiguration(this.#context, options);
    this.#configurations.add(configuration);
    return configuration;
  }

  /**
   * Listens on a UDP port.
   *
   * @throws {QuicError} with status `ADDRESS_IN_USE` if the port is taken
   */
  listen(options: QuicListenOptions): QuicListener {
    return new QuicListener(this.#context, options);
  }

  /**
   * Begins to connect; the handler hears how it went.
   *
   * @throws {QuicError} if msquic does not accept the arguments
   */
  connect(options: QuicConnectOptions, handler: QuicConnectionHandler): QuicConnection {
    const { quic } = this.#context;
    const connection = new QuicConnection(this.#context, handler);
    const out = new BigUint64Array(1);
    let handle: Deno.PointerValue = null;
    try {
      checkStatus(
        "MsQuicConnectionOpen",
        quic.MsQuicConnectionOpen(
          this.#context.registration,
          this.#context.connectionCallback.pointer,
          this.#context.contextPointer(connection.id),
          out,
        ),
      );
      handle = Deno.UnsafePointer.create(out[0]);
      const address = writeAddress(options.address);
      checkStatus(
        "MsQuicSetParam",
        quic.MsQuicSetParam(handle, Param.CONN_REMOTE_ADDRESS, address.length, address),
      );
      const family = AddressFamily[options.address.family];
      const isLiteral = parseIpv4(options.serverName) !== undefined ||
        parseIpv6(options.serverName) !== undefined;
      const name = isLiteral || options.serverName === "" ? null : cString(options.serverName);
      const configuration = options.configuration.handle;
      checkStatus(
        "MsQuicConnectionStart",
        quic.MsQuicConnectionStart(handle, configuration, family, name, options.address.port),
      );
    } catch (error) {
      connection.detach();
      if (handle !== null) quic.MsQuicConnectionClose(handle);
      throw error;
    }
    connection.attach(handle as Deno.PointerObject);
    this.#context.reactor.wake();
    return connection;
  }

  /**
   * Sets the key from which stateless reset tokens are made (RFC 9000, 10.3). Kept over a restart,
   * it lets peers of the old process learn at once that their connections are gone.
   *
   * @param key 32 bytes
   */
  setStatelessResetKey(key: Uint8Array<ArrayBuffer>): void {
    if (key.length !== STATELESS_RESET_KEY_BYTES) throw new RangeError("the key has 32 bytes");
    checkStatus(
      "MsQuicSetParam",
      this.#context.quic.MsQuicSetParam(null, Param.GLOBAL_STATELESS_RESET_KEY, key.length, key),
    );
  }

  /**
   * Says how much memory handshakes may take before QUIC's Retry comes into play: from then on a new one
   * must first prove that its sender's address is not forged, and nothing is kept for it until then.
   *
   * @param fraction of the memory of the machine or its control group, in 65535ths; 0: always
   */
  setRetryMemory(fraction: number): void {
    const value = Uint8Array.of(fraction & 0xff, fraction >> 8);
    checkStatus(
      "MsQuicSetParam",
      this.#context.quic.MsQuicSetParam(
        null,
        Param.GLOBAL_RETRY_MEMORY_PERCENT,
        value.length,
        value,
      ),
    );
  }

  /**
   * Closes everything at once: connections that are still open are dropped without a word, so end
   * them before. The reactor must not be running, and must not be closed yet.
   */
  close(): void {
    const { quic } = this.#context;
    for (const listener of this.#context.listeners.all()) (listener as QuicListener).close();
    for (const connection of this.#context.connections.all()) {
      (connection as QuicConnection).abandon();
    }
    for (const configuration of this.#configurations) configuration.close();
    const settled = this.#settle();
    this.#context.endDatagrams();
    // From here on msquic must not be polled: its workers are freed with their registration.
    this.#removePoller();
    if (!settled) return; // it would wait for ever, and the process is ending anyway
    quic.MsQuicRegistrationClose(this.#context.registration);
    quic.MsQuicClose(Deno.UnsafePointer.create(this.#api[0]));
    this.#context.close();
    this.#library.close();
  }

  /** Runs the reactor until msquic has freed its connections and sockets; false if it does not. */
  #settle(): boolean {
    const { reactor } = this.#context;
    for (let turn = 0; turn < CLOSE_TURNS_MAX; turn++) {
      const eventsBefore = reactor.counters.events;
      reactor.turn(1);
      if (reactor.counters.events === eventsBefore && this.#isIdle()) return true;
    }
    return false;
  }

  /** Whether msquic has freed every connection. */
  #isIdle(): boolean {
    return this.#context.connections.size === 0 &&
      this.#readCounters()[PerfCounter.CONN_ACTIVE] === 0n;
  }

  #readCounters(): BigUint64Array<ArrayBuffer> {
    const counters = new BigUint64Array(PerfCounter.MAX);
    const size = new Uint32Array([counters.byteLength]);
    this.#context.quic.MsQuicGetParam(null, Param.GLOBAL_PERF_COUNTERS, size, counters);
    return counters;
  }
}
