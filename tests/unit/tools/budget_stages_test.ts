import { assertEquals } from "@std/assert";
import { countStages, stageOf } from "../../../tools/bench/budget_stages.ts";

const KERNEL = "[kernel.kallsyms]";

function stage(...frames: [symbol: string, place: string][]): string {
  return stageOf(frames.map(([symbol, place]) => ({ symbol, place })), true);
}

Deno.test("a sample in the kernel is for the call that it serves", () => {
  assertEquals(
    stage(["_copy_to_iter", KERNEL], ["tun_do_read", "[tun]"], ["__x64_sys_readv", KERNEL]),
    "kernel: frames from the adapter (`readv`)",
  );
  assertEquals(
    stage(["finish_task_switch.isra.0", KERNEL], ["do_epoll_wait", KERNEL], [
      "__x64_sys_epoll_wait",
      KERNEL,
    ]),
    "kernel: waiting and waking up (`epoll_wait`)",
  );
  assertEquals(
    stage(["udp_sendmsg", KERNEL], ["____sys_sendmsg", KERNEL], ["__sys_sendmsg+0x5f", KERNEL]),
    "kernel: packets out (`sendmsg`)",
  );
  assertEquals(stage(["handle_softirqs", KERNEL]), "kernel: the rest");
  assertEquals(stage(["tun_net_xmit", "[tun]"]), "kernel: the rest");
});

Deno.test("elsewhere it is for what it is in", () => {
  assertEquals(stage(["[unknown]", "/memfd:libmsquic (deleted)"]), "msquic and its TLS");
  assertEquals(stage(["__vdso_clock_gettime", "[vdso]"]), "libc and the clock");
  assertEquals(
    stage(["__memmove_avx512_unaligned_erms", "/usr/lib/x86_64-linux-gnu/libc.so.6"]),
    "libc and the clock",
  );
  assertEquals(stage(["[unknown]", "//anon"]), "JavaScript");
  assertEquals(stage(["[unknown]", "[unknown]"]), "JavaScript");
  assertEquals(stage(["[unknown]", "/opt/lanparty-client"]), "runtime: V8 and Deno");
});

Deno.test("samples are counted by process, and those of other threads apart", () => {
  const script = [
    "lanparty-client 10/10 ",
    "\tffffffff81aa0000 _copy_to_iter ([kernel.kallsyms])",
    "\tffffffff81bb0000 __x64_sys_readv ([kernel.kallsyms])",
    "\t    7f0000000000 readv (/usr/lib/libc.so.6)",
    "",
    "V8 DefaultWorke 10/12 ",
    "\t    7f0000000000 [unknown] (/opt/lanparty-client)",
    "",
    "lanparty-relay 20/20 ",
    "\t    7f0000000000 [unknown] (/memfd:libmsquic (deleted))",
    "",
    "other program 30/30 ",
    "\t    7f0000000000 main (/bin/other)",
    "",
  ].join("\n");
  const counts = countStages(script, [10, 20]);
  assertEquals(Object.fromEntries(counts.get(10) ?? []), {
    "kernel: frames from the adapter (`readv`)": 1,
    "runtime: its other threads": 1,
  });
  assertEquals(Object.fromEntries(counts.get(20) ?? []), { "msquic and its TLS": 1 });
  assertEquals(counts.size, 2);
});
