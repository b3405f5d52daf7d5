/**
 * The icon of the Windows client, drawn by code: a hub and three players on a blue tile. As an .ico
 * file with the sizes that Windows shows.
 */

/** Edge lengths in pixels: lists and title bars, desktops, large views. */
export const ICON_SIZES: readonly number[] = [16, 24, 32, 48, 64, 256];

/** From this size on an image is a PNG inside the .ico, as Windows wants it. */
const PNG_FROM = 256;

/** Each pixel's colour is the mean of this many samples, squared. */
const SAMPLES = 4;

type Rgb = readonly [number, number, number];
const TILE_TOP: Rgb = [0x2f, 0x81, 0xf7];
const TILE_BOTTOM: Rgb = [0x12, 0x4a, 0xa8];
const LINES: Rgb = [0xff, 0xff, 0xff];
const HUB: Rgb = [0xff, 0xc8, 0x3d];

/** All lengths are parts of the edge. */
const TILE_RADIUS = 0.2;
const CENTER = { x: 0.5, y: 0.53 };
const PLAYERS = [{ x: 0.5, y: 0.2 }, { x: 0.22, y: 0.74 }, { x: 0.78, y: 0.74 }];
const PLAYER_RADIUS = 0.115;
const HUB_RADIUS = 0.15;
const LINE_RADIUS = 0.038;

/** The colour of a point of the unit square; undefined: transparent. */
function colorAt(x: number, y: number): Rgb | undefined {
  if (!isInTile(x, y)) return undefined;
  if (Math.hypot(x - CENTER.x, y - CENTER.y) <= HUB_RADIUS) return HUB;
  const isLine = PLAYERS.some((player) =>
    Math.hypot(x - player.x, y - player.y) <= PLAYER_RADIUS ||
    distanceToLine(x, y, player) <= LINE_RADIUS
  );
  if (isLine) return LINES;
  const mixed = TILE_TOP.map((top, i) => top + (TILE_BOTTOM[i] - top) * y);
  return [mixed[0], mixed[1], mixed[2]];
}

function isInTile(x: number, y: number): boolean {
  const beyondX = Math.max(TILE_RADIUS - x, x - (1 - TILE_RADIUS), 0);
  const beyondY = Math.max(TILE_RADIUS - y, y - (1 - TILE_RADIUS), 0);
  return Math.hypot(beyondX, beyondY) <= TILE_RADIUS;
}

/** The distance of a point from the line between the hub and a player. */
function distanceToLine(x: number, y: number, player: { x: number; y: number }): number {
  const dx = player.x - CENTER.x;
  const dy = player.y - CENTER.y;
  const along = ((x - CENTER.x) * dx + (y - CENTER.y) * dy) / (dx * dx + dy * dy);
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(x - CENTER.x - at * dx, y - CENTER.y - at * dy);
}

/** The picture: 4 bytes a pixel, red, green, blue and opacity, from the top left. */
export function drawIcon(size: number): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(size * size * 4);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      pixels.set(pixelAt(column, row, size), (row * size + column) * 4);
    }
  }
  return pixels;
}

function pixelAt(column: number, row: number, size: number): number[] {
  const sum = [0, 0, 0];
  let hits = 0;
  for (let i = 0; i < SAMPLES * SAMPLES; i++) {
    const x = (column + (i % SAMPLES + 0.5) / SAMPLES) / size;
    const y = (row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) / size;
    const color = colorAt(x, y);
    if (color === undefined) continue;
    hits++;
    color.forEach((value, channel) => sum[channel] += value);
  }
  const mean = sum.map((value) => hits === 0 ? 0 : Math.round(value / hits));
  return [...mean, Math.round(255 * hits / (SAMPLES * SAMPLES))];
}

/** The .ico file (ICONDIR, ICONDIRENTRY, then the images). */
export async function iconFile(): Promise<Uint8Array<ArrayBuffer>> {
  const images = await Promise.all(ICON_SIZES.map((size) => {
    const pixels = drawIcon(size);
    return size < PNG_FROM ? bitmap(size, pixels) : png(size, pixels);
  }));
  const headBytes = 6 + 16 * images.length;
  const head = new DataView(new ArrayBuffer(headBytes));
  head.setUint16(2, 1, true);
  head.setUint16(4, images.length, true);
  let offset = headBytes;
  images.forEach((image, index) => {
    const at = 6 + 16 * index;
    const edge = ICON_SIZES[index] % 256; // 256 is written as 0
    head.setUint8(at, edge);
    head.setUint8(at + 1, edge);
    head.setUint16(at + 4, 1, true);
    head.setUint16(at + 6, 32, true);
    head.setUint32(at + 8, image.length, true);
    head.setUint32(at + 12, offset, true);
    offset += image.length;
  });
  return join([new Uint8Array(head.buffer), ...images]);
}

/** A BITMAPINFOHEADER, the rows from the bottom up as blue, green, red, opacity, then an empty mask. */
function bitmap(size: number, pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const maskBytes = Math.ceil(size / 32) * 4 * size;
  const bytes = new Uint8Array(40 + size * size * 4 + maskBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 40, true);
  view.setInt32(4, size, true);
  view.setInt32(8, size * 2, true); // picture and mask
  view.setUint16(12, 1, true);
  view.setUint16(14, 32, true);
  view.setUint32(20, size * size * 4 + maskBytes, true);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = (row * size + column) * 4;
      const [red, green, blue, opacity] = pixels.subarray(from, from + 4);
      bytes.set([blue, green, red, opacity], 40 + ((size - 1 - row) * size + column) * 4);
    }
  }
  return bytes;
}

/** PNG (ISO/IEC 15948): 8 bits a channel with opacity, rows unfiltered. */
async function png(size: number, pixels: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, size);
  head.setUint32(4, size);
  head.setUint8(8, 8);
  head.setUint8(9, 6);
  const rows = new Uint8Array(size * (size * 4 + 1));
  for (let row = 0; row < size; row++) {
    rows.set(pixels.subarray(row * size * 4, (row + 1) * size * 4), row * (size * 4 + 1) + 1);
  }
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  return join([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", new Uint8Array(head.buffer)),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
