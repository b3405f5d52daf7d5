/** A program that runs a reactor until a signal comes, says which, and ends by itself. */

import { createReactor } from "../../src/reactor/mod.ts";

const reactor = createReactor();
reactor.onSignal(["SIGINT", "SIGTERM"], (signal) => {
  console.log(signal);
  reactor.stop();
});
console.log("ready");
await reactor.run();
reactor.close();
console.log("ended");
