/**
 * Windows' strings: UTF-16, little-endian, with a terminating zero.
 *
 * @module
 */

/** A string for a `LPCWSTR` parameter. */
export function wideString(text: string): Uint16Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("a C string cannot contain a zero character");
  const units = new Uint16Array(text.length + 1);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return units;
}

/** The text in front of the first zero, or the whole of it. */
export function readWideString(units: Uint16Array): string {
  const end = units.indexOf(0);
  let text = "";
  for (const unit of end < 0 ? units : units.subarray(0, end)) text += String.fromCharCode(unit);
  return text;
}
