import { assertEquals } from "@std/assert";
import { reasonOf, systemFailure, UserError } from "../../../src/log/user_error.ts";

Deno.test("a failure of the system is told in its words, without the runtime's tail", () => {
  assertEquals(
    reasonOf(new Error("Permission denied (os error 13): readfile '/etc/shadow'")),
    "Permission denied",
  );
  assertEquals(reasonOf(new Error("no (os) error at all")), "no (os) error at all");
  assertEquals(reasonOf("text"), "text");
  try {
    Deno.readFileSync("/nowhere/file");
  } catch (cause) {
    const failure = systemFailure("the file /nowhere/file cannot be read", cause);
    assertEquals(failure instanceof UserError, true);
    assertEquals(
      reasonOf(failure),
      "the file /nowhere/file cannot be read: No such file or directory",
    );
  }
});
