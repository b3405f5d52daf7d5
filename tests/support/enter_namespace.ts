/**
 * Opens sockets in a network namespace from within the test's own process: a thread can be in
 * another namespace for a moment (setns(2)), and sockets stay where they were made.
 */

import { cString } from "../../src/ffi/layout.ts";
import { checkCall, closeFd, libc, LIBC_NAME, O_CLOEXEC } from "../../src/ffi/libc.ts";
import { libcNet } from "../../src/ffi/libc_net.ts";
import type { Namespace } from "../../tools/lab/netns.ts";

const CLONE_NEWNET = 0x40000000;

// Opened here rather than in the first test that needs them, which would seem to leak them.
const setns = Deno.build.os === "linux" ? openLibraries() : () => -1;

function openLibraries(): (fd: number, kind: number) => number {
  libc();
  libcNet();
  return Deno.dlopen(LIBC_NAME, {
    setns: { parameters: ["i32", /* fd */ "i32" /* nstype */], result: "i32" },
  }).symbols.setns;
}

function openPath(path: string): number {
  return checkCall("open", libc().open(cString(path), O_CLOEXEC), path);
}

function enter(fd: number): void {
  checkCall("setns", setns(fd, CLONE_NEWNET));
}

/**
 * Runs `work`, which must not be asynchronous, with this thread in a namespace. Descriptors that it
 * opens belong to the namespace for good; /sys still shows the interfaces outside.
 */
export function inNamespace<T>(namespace: Namespace, work: () => T): T {
  const target = openPath(`/run/netns/${namespace.fullName}`);
  const home = openPath("/proc/thread-self/ns/net");
  try {
    enter(target);
    try {
      return work();
    } finally {
      enter(home);
    }
  } finally {
    closeFd(target);
    closeFd(home);
  }
}
