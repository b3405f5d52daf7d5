/** A part of a program that this platform has no implementation of. */
export class UnsupportedPlatformError extends Error {
  override readonly name = "UnsupportedPlatformError";
  /** What was asked for, e.g. `changing the routing table`. */
  readonly feature: string;
  /** The platform, as `Deno.build.os` names it. */
  readonly platform: string;

  constructor(feature: string, platform: string) {
    super(`${feature} is not supported on ${platform}`);
    this.feature = feature;
    this.platform = platform;
  }
}
