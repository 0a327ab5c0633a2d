/** Windows bitmaps, which sharp does not read: rows of 1 to 32 bits a pixel, palettes, bit fields, run lengths. */

export interface Bitmap {
  readonly width: number;
  readonly height: number;
  /** RGB, [height, width, 3]. */
  readonly data: Uint8Array;
  readonly channels: 3;
}

interface Header {
  width: number;
  height: number;
  /** Rows begin at the top; usually they begin at the bottom. */
  topDown: boolean;
  bits: number;
  compression: number;
  /** Where the pixels begin. */
  offset: number;
  /** Bits of red, green and blue in a pixel of 16 or 32 bits. */
  masks: readonly [number, number, number];
  /** Blue, green, red, and a fourth byte but for the oldest kind; as many as fit before the pixels. */
  palette: { start: number; entries: number; entryBytes: 3 | 4 };
}

const Compression = { none: 0, runs8: 1, runs4: 2, fields: 3, alphaFields: 6 } as const;
const FILE_HEADER = 14;
const OLDEST_HEADER = 12;

export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

/** @throws Error as `decodeBmp` */
export function bmpSize(bytes: Uint8Array): { width: number; height: number } {
  const { width, height } = readHeader(bytes);
  return { width, height };
}

/**
 * Decodes to RGB; a fourth channel is dropped. Values of 5 or 6 bits are stretched to 0 … 255 and cut off, as Pillow does it.
 *
 * @throws Error when it ends too early, or is of a kind that is not read: an embedded JPEG or PNG
 */
export function decodeBmp(bytes: Uint8Array): Bitmap {
  const header = readHeader(bytes);
  const { width, height } = header;
  const data = new Uint8Array(width * height * 3);
  if (header.bits <= 8) byPalette(bytes, header, data);
  else byChannels(bytes, header, data);
  return { width, height, data, channels: 3 };
}

function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FILE_HEADER + OLDEST_HEADER) throw new Error('unexpected end of BMP header');
  const size = view.getUint32(14, true);
  const isOldest = size === OLDEST_HEADER;
  if (bytes.length < FILE_HEADER + size) throw new Error('unexpected end of BMP header');
  if (!isOldest && size < 40) throw new Error(`a BMP header of ${size} bytes is of no known kind`);
  const signedHeight = isOldest ? view.getUint16(20, true) : view.getInt32(22, true);
  const width = isOldest ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw new Error(`a BMP of ${width} × ${height} pixels`);
  const bits = view.getUint16(isOldest ? 24 : 28, true);
  const compression = isOldest ? Compression.none : view.getUint32(30, true);
  requireKnown(bits, compression);

  const offset = view.getUint32(10, true);
  const hasMasks = compression === Compression.fields || compression === Compression.alphaFields;
  if (hasMasks && bytes.length < 66) throw new Error('unexpected end of BMP header');
  const maskBytes = !hasMasks || size > 40 ? 0 : compression === Compression.fields ? 12 : 16;
  const start = FILE_HEADER + size + maskBytes;
  const entryBytes = isOldest ? 3 : 4;
  const counted = isOldest ? 0 : view.getUint32(46, true);
  const fitting = Math.floor(Math.max(0, Math.min(offset, bytes.length) - start) / entryBytes);
  return {
    width,
    height,
    topDown: signedHeight < 0,
    bits,
    compression,
    offset,
    masks: hasMasks
      ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
      : bits === 16
        ? [0x7c00, 0x3e0, 0x1f]
        : [0xff0000, 0xff00, 0xff],
    palette: { start, entries: Math.min(fitting, counted || 2 ** bits), entryBytes },
  };
}

/** Depths that each compression goes with. */
const KNOWN: Record<number, readonly number[]> = {
  [Compression.none]: [1, 4, 8, 16, 24, 32],
  [Compression.runs8]: [8],
  [Compression.runs4]: [4],
  [Compression.fields]: [16, 32],
  [Compression.alphaFields]: [16, 32],
};

function requireKnown(bits: number, compression: number): void {
  if (KNOWN[compression]?.includes(bits)) return;
  throw new Error(`unsupported image format: BMP of ${bits} bits with compression ${compression}`);
}

/** Bytes from one row to the next: rows end at multiples of four. */
const pitchOf = ({ width, bits }: Header): number => Math.ceil((width * bits) / 32) * 4;

/** The row of the picture that the n-th row of the file is. */
const rowOf = ({ topDown, height }: Header, n: number): number => (topDown ? n : height - 1 - n);

function requireRows(bytes: Uint8Array, header: Header): void {
  const end = header.offset + pitchOf(header) * header.height;
  if (bytes.length < end) throw new Error(`unexpected end of BMP data: ${bytes.length} of ${end} bytes`);
}

function byPalette(bytes: Uint8Array, header: Header, data: Uint8Array): void {
  const { width, height, bits, palette } = header;
  const indices = header.compression === Compression.none ? unpacked(bytes, header) : unrolled(bytes, header);
  for (let n = 0; n < height; n++) {
    let to = rowOf(header, n) * width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      const index = indices[n * width + x];
      if (index >= palette.entries) continue;
      const at = palette.start + index * palette.entryBytes;
      data[to] = bytes[at + 2];
      data[to + 1] = bytes[at + 1];
      data[to + 2] = bytes[at];
    }
  }

  function unpacked(from: Uint8Array, { offset }: Header): Uint8Array {
    requireRows(from, header);
    const found = new Uint8Array(width * height);
    const [perByte, mask] = [8 / bits, 2 ** bits - 1];
    for (let n = 0; n < height; n++) {
      const row = offset + n * pitchOf(header);
      for (let x = 0; x < width; x++) {
        const shift = 8 - bits * ((x % perByte) + 1);
        found[n * width + x] = (from[row + Math.floor(x / perByte)] >> shift) & mask;
      }
    }
    return found;
  }
}

/** Indices from runs: a count and what it repeats, or 0 and a command. Pixels that are left out are of index 0. */
function unrolled(bytes: Uint8Array, { width, height, bits, offset }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  const isHalf = bits === 4;
  let [at, x, y] = [offset, 0, 0];
  const put = (index: number) => {
    if (x < width && y < height) indices[y * width + x] = index;
    x++;
  };
  while (y < height) {
    if (at + 2 > bytes.length) throw new Error('unexpected end of BMP data');
    const [count, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(isHalf ? (i % 2 ? value & 15 : value >> 4) : value);
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      [x, y, at] = [x + (bytes[at] ?? 0), y + (bytes[at + 1] ?? 0), at + 2];
    } else {
      const length = isHalf ? Math.ceil(value / 2) : value;
      if (at + length > bytes.length) throw new Error('unexpected end of BMP data');
      for (let i = 0; i < value; i++) {
        const byte = bytes[at + (isHalf ? i >> 1 : i)];
        put(isHalf ? (i % 2 ? byte & 15 : byte >> 4) : byte);
      }
      at += length + (length % 2);
    }
  }
  return indices;
}

function byChannels(bytes: Uint8Array, header: Header, data: Uint8Array): void {
  requireRows(bytes, header);
  const { width, height, bits, offset, masks } = header;
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: mask >>> shift };
  });
  const pixelBytes = bits / 8;
  for (let n = 0; n < height; n++) {
    let from = offset + n * pitchOf(header);
    let to = rowOf(header, n) * width * 3;
    for (let x = 0; x < width; x++, from += pixelBytes) {
      const high = bits > 16 ? bytes[from + 2] << 16 : 0;
      const top = bits === 32 ? bytes[from + 3] << 24 : 0;
      const pixel = bytes[from] | (bytes[from + 1] << 8) | high | top;
      for (const { mask, shift, most } of channels) {
        const value = (pixel & mask) >>> shift;
        data[to++] = most === 255 ? value : most === 0 ? 0 : Math.floor((value * 255) / most);
      }
    }
  }
}
