/** Who listens in a namespace: what is sent before somebody does is lost. */
import type { Namespace } from "./netns.ts";

/** Whether a program listens on a port. */
export async function isBound(
  namespace: Namespace,
  protocol: "tcp" | "udp",
  port: number,
): Promise<boolean> {
  const kind = protocol === "tcp" ? "-t" : "-u";
  return (await namespace.run(["ss", "-Hln", kind, `sport = :${port}`])).stdout !== "";
}
