import { assertEquals, assertThrows } from "@std/assert";
import { glibcVersion } from "../../../../src/ffi/libc.ts";
import { UserError } from "../../../../src/log/user_error.ts";
import { GLIBC_MIN, requireGlibc } from "../../../../src/programs/common/native_library.ts";

Deno.test("a glibc that is too old is one line with both versions, and a newer one is none", () => {
  for (const running of [GLIBC_MIN, "2.35", "2.100", "3.0", glibcVersion()]) requireGlibc(running);
  for (const running of ["2.31", "2.9", "1.99"]) {
    assertEquals(
      assertThrows(() => requireGlibc(running), UserError).message,
      `this system's C library (glibc ${running}) is too old: lanparty needs 2.34 or later, which ` +
        "Debian 12 and Ubuntu 22.04 have",
    );
  }
});
