import { assertEquals } from "@std/assert";
import type { CompletionSource, Source } from "../../../src/reactor/reactor.ts";
import { ReactorLoop } from "../../../src/reactor/reactor_loop.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";

const READINGS = 20_000;

/** A loop to which nothing ever comes. */
class QuietLoop extends ReactorLoop {
  override readonly queueFd = -1;

  override addFd(): Source {
    throw new Error("no descriptors here");
  }

  override addHandle(): CompletionSource {
    throw new Error("no handles here");
  }

  protected override wait(): number {
    return 0;
  }

  protected override dispatch(): void {}

  protected override systemSignals(): readonly Deno.Signal[] {
    return [];
  }

  protected override release(): void {}
}

Deno.test("each frame may ask for the round's time, which allocates nothing", () => {
  const loop = new QuietLoop();
  // Kept among other things, it must be an object, as where it is passed on.
  const kept: unknown[] = ["", undefined];
  assertAllocatesNothing(READINGS, () => {
    for (let i = 0; i < READINGS; i++) {
      // A turn reads the clock, which makes an object or two.
      if (i % 5_000 === 0) loop.turn(0);
      kept[i & 1] = loop.roundMs;
    }
  });
  assertEquals(kept, [loop.roundMs, loop.roundMs]);
});
