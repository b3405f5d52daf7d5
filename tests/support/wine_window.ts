/** What a program's console window shows under Wine. */
import type { LabProcess } from "../../tools/lab/process.ts";
import { eventually } from "../../tools/lab/wait.ts";

const WAIT_MS = 40_000;
const ESCAPES = new RegExp(`${String.fromCharCode(27)}(\\[[?0-9;]*[A-Za-z]|[=>])`, "g");

/** Its text, without what moves the cursor and sets colours. */
export function shown(window: LabProcess): string {
  return window.stdout.replaceAll(ESCAPES, "").replaceAll("\r\n", "\n");
}

/** Waits until it shows this. */
export function waitForText(window: LabProcess, text: RegExp): Promise<void> {
  return eventually(`${text}`, () => text.test(shown(window)), WAIT_MS).catch((error) => {
    throw new Error(`${error.message}; the window shows:\n${shown(window)}`);
  });
}

/** Ends the program in it as Ctrl-C does, and waits for that; its exit code. */
export async function interrupt(window: LabProcess): Promise<number> {
  // A console of Wine's hands the key on to the program: it is the signal that Wine makes Ctrl-C of.
  const children = Deno.readTextFileSync(`/proc/${window.pid}/task/${window.pid}/children`);
  for (const pid of children.split(" ").filter((id) => id !== "")) Deno.kill(Number(pid), "SIGINT");
  return await window.waitExit(WAIT_MS);
}
