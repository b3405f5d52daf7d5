import { SOCK_DGRAM } from "../../src/ffi/libc_net.ts";
import { assertEquals, assertThrows } from "@std/assert";
import * as libcModule from "../../src/ffi/libc.ts";
import * as resolve from "../../src/ffi/libc_resolve.ts";
import { assertConstants, assertLayouts } from "../support/layout_probe.ts";

libcModule.libc(); // opened for good, so not within a test

const HEADERS = {
  preamble: [
    "#define _GNU_SOURCE 1",
    "#include <errno.h>",
    "#include <fcntl.h>",
    "#include <netdb.h>",
    "#include <stdint.h>",
    "#include <poll.h>",
    "#include <signal.h>",
    "#include <sys/epoll.h>",
    "#include <sys/eventfd.h>",
    "#include <sys/mman.h>",
    "#include <sys/prctl.h>",
    "#include <sys/socket.h>",
  ],
};

Deno.test("libc's structs are laid out as the system's headers say", async () => {
  await assertLayouts([libcModule.EPOLL_EVENT, libcModule.POLLFD, resolve.ADDRINFO], HEADERS);
});

Deno.test("libc's constants have the values of the system's headers", async () => {
  const { EpollEvent, EpollOperation } = libcModule;
  await assertConstants({
    ...libcModule.Errno,
    EPOLL_CTL_ADD: EpollOperation.add,
    EPOLL_CTL_DEL: EpollOperation.delete,
    EPOLL_CTL_MOD: EpollOperation.modify,
    EPOLLIN: EpollEvent.in,
    EPOLLOUT: EpollEvent.out,
    EPOLLERR: EpollEvent.error,
    EPOLLHUP: EpollEvent.hangUp,
    EPOLLRDHUP: EpollEvent.peerHangUp,
    EPOLL_CLOEXEC: libcModule.EPOLL_CLOEXEC,
    EFD_CLOEXEC: libcModule.EFD_CLOEXEC,
    EFD_NONBLOCK: libcModule.EFD_NONBLOCK,
    MFD_CLOEXEC: libcModule.MFD_CLOEXEC,
    O_RDWR: libcModule.O_RDWR,
    O_NONBLOCK: libcModule.O_NONBLOCK,
    O_CLOEXEC: libcModule.O_CLOEXEC,
    F_GETFL: libcModule.F_GETFL,
    F_SETFL: libcModule.F_SETFL,
    PR_SET_PDEATHSIG: libcModule.PR_SET_PDEATHSIG,
    SIGKILL: libcModule.SIGKILL,
    SOCK_DGRAM: SOCK_DGRAM,
    AI_ADDRCONFIG: resolve.AI_ADDRCONFIG,
    "sizeof(eventfd_t)": libcModule.EVENTFD_BYTES,
  }, HEADERS);
});

Deno.test("the resolver's error codes have the values of the system's headers", async () => {
  const negated = Object.entries(resolve.ResolveCode).map(([name, code]) => [`-${name}`, -code]);
  await assertConstants(Object.fromEntries(negated), HEADERS);
});

Deno.test("a failed call throws an error with its name and errno", () => {
  const { checkCall, libc, SystemCallError } = libcModule;
  const error = assertThrows(
    () => checkCall("close", libc().close(-1)),
    SystemCallError,
    "close failed: EBADF",
  );
  assertEquals([error.call, error.errno], ["close", libcModule.Errno.EBADF]);
});
