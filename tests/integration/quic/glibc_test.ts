/** The glibc that our build of msquic asks for. */
import { assertEquals } from "@std/assert";
import { GLIBC_MIN } from "../../../src/programs/common/native_library.ts";

Deno.test("the built library asks for the glibc that the programs look for, and for no later one", async () => {
  const library = new URL("../../../src/quic/libmsquic.so", import.meta.url);
  const text = new TextDecoder("latin1").decode(await Deno.readFile(library));
  const minors = Array.from(text.matchAll(/GLIBC_2\.(\d+)/g), ([, minor]) => Number(minor));
  assertEquals(`2.${Math.max(...minors)}`, GLIBC_MIN);
});
