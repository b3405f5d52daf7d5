/**
 * The system's random bytes, as the cores take them.
 *
 * @module
 */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}
