import { paintMask, type RunLengths } from '../masks/run-lengths.ts';
import { sharp } from '../sharp.ts';

const INSIDE = 255;

/**
 * A mask as a grey picture of its image's size: 255 where the object is, 0 elsewhere. PNG and BMP hold exactly these values; a JPEG
 * has others around edges, and is right at a threshold of 128.
 */
export async function maskPicture(mask: RunLengths, type: 'png' | 'jpg' | 'bmp'): Promise<Buffer> {
  const { width, height } = mask;
  const rows = new Uint8Array(width * height);
  paintMask(mask, rows, INSIDE);
  if (type === 'bmp') return greyBmp(rows, width, height);
  const picture = sharp(rows, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  return type === 'png' ? picture.png({ compressionLevel: 4 }).toBuffer() : picture.jpeg({ quality: 95 }).toBuffer();
}

const FILE_HEADER = 14;
const INFO_HEADER = 40;
const GREYS = 256;

/** A BMP of 8 bits with a palette of greys, lines from the bottom up, each filled up to four bytes. */
function greyBmp(rows: Uint8Array, width: number, height: number): Buffer {
  const stride = Math.ceil(width / 4) * 4;
  const start = FILE_HEADER + INFO_HEADER + 4 * GREYS;
  const file = Buffer.alloc(start + stride * height);
  file.write('BM', 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(start, 10);
  file.writeUInt32LE(INFO_HEADER, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(8, 28);
  file.writeUInt32LE(stride * height, 34);
  file.writeUInt32LE(GREYS, 46);
  for (let grey = 0; grey < GREYS; grey++)
    file.fill(grey, FILE_HEADER + INFO_HEADER + 4 * grey, FILE_HEADER + INFO_HEADER + 4 * grey + 3);
  for (let y = 0; y < height; y++)
    file.set(rows.subarray(y * width, (y + 1) * width), start + (height - 1 - y) * stride);
  return file;
}
