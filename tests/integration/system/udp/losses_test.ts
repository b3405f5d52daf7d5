/** What the kernel says of datagrams that this process has not read, at sockets of its own on loopback. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { checkCall, closeFd, libc } from "../../../../src/ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../../../src/ffi/libc_net.ts";
import { grantedReceiveBytes, lostDatagrams } from "../../../../src/system/udp/mod.ts";

// Opened for good, so not within a test.
libc();
libcNet();

const DATAGRAMS = 100;
const DATAGRAM_BYTES = 1_000;
/** The least buffer that the kernel gives holds a few of them. */
const SMALL_BYTES = 1;

/** `struct sockaddr_in` of a port at 127.0.0.1. */
function loopback(port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  bytes.set([AddressFamily.inet, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
  return bytes;
}

function openSocket(): number {
  return checkCall("socket", libcNet().socket(AddressFamily.inet, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/** Binds a socket to the first port from here on that is free. */
function bindFree(fd: number, firstPort: number): Uint8Array<ArrayBuffer> {
  for (let port = firstPort; port < firstPort + 100; port++) {
    const address = loopback(port);
    if (libcNet().bind(fd, address, address.length) === 0) return address;
  }
  throw new Error("no port is free");
}

Deno.test("a datagram that nobody has read in time is counted at the socket that has lost it", () => {
  const [reader, writer] = [openSocket(), openSocket()];
  try {
    const before = lostDatagrams();
    const value = new Uint8Array(Int32Array.of(SMALL_BYTES).buffer);
    const set = libcNet().setsockopt(reader, SOL_SOCKET, SO_RCVBUF, value, value.length);
    checkCall("setsockopt", set);
    const address = bindFree(reader, 27_900);
    checkCall("connect", libcNet().connect(writer, address, address.length));
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    for (let count = 0; count < DATAGRAMS; count++) {
      libc().write(writer, datagram, BigInt(datagram.length));
    }
    const lost = [...lostDatagrams()].filter(([inode, count]) => count > (before.get(inode) ?? 0));
    assertEquals(lost.length, 1);
    assert(lost[0][1] > DATAGRAMS / 2 && lost[0][1] < DATAGRAMS, `${lost[0][1]} lost`);
  } finally {
    closeFd(reader);
    closeFd(writer);
  }
});

Deno.test("a socket that asks for all that it can have gets what the system lets it have", () => {
  const bytes = grantedReceiveBytes();
  assertGreater(bytes, 4_096);
  let limit: number | undefined;
  try {
    limit = Number(Deno.readTextFileSync("/proc/sys/net/core/rmem_max"));
  } catch {
    return; // older kernels tell it in their first network namespace alone
  }
  assertEquals(bytes, limit);
});
