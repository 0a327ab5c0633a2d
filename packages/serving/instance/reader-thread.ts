// A thread of an instance that makes of the bytes of an image what the network takes.
import { parentPort } from 'node:worker_threads';
import { imageSize } from '@fovea/data/decode';
import { IssuesError } from '@fovea/data/issue';
import sharp from 'sharp';
import { networkInput, type Preparation, readImage, readWhole } from '../prepare.ts';
import { bufferOf, type PreparedImage } from './prepared-image.ts';

export interface ReadJob {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Of the image, for errors. */
  readonly name: string;
  /** For a classifier; null: the whole image, for a detector. */
  readonly preparation: Preparation | null;
  /** Images with more pixels are not read. */
  readonly mostPixels: number;
  /** Images with more pixels are for another thread to read. */
  readonly mostPixelsHere: number;
}

export type ReadResult = { readonly id: number } & (
  | { readonly kind: 'read'; readonly prepared: PreparedImage; readonly seconds: number }
  | { readonly kind: 'unreadable'; readonly problem: string }
  | { readonly kind: 'large' /** As they came. */; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly error: unknown }
);

// libvips reads many more formats than training data has, some of them programs more than pictures (SVG).
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Heif'].map((format) => `VipsForeignLoad${format}`),
});

async function read({ id, bytes, name, preparation, mostPixels, mostPixelsHere }: ReadJob): Promise<ReadResult> {
  const begun = performance.now();
  try {
    const size = await imageSize({ file: name, bytes });
    const pixels = size.width * size.height;
    if (pixels > mostPixels) return { id, kind: 'unreadable', problem: tooLarge(name, size, mostPixels) };
    if (pixels > mostPixelsHere) return { id, kind: 'large', bytes };
    const prepared: PreparedImage = preparation
      ? { kind: 'input', input: networkInput([await readImage(bytes, name, preparation)], preparation) }
      : { kind: 'whole', image: await readWhole(bytes, name) };
    return { id, kind: 'read', prepared, seconds: (performance.now() - begun) / 1000 };
  } catch (error) {
    if (!(error instanceof IssuesError)) return { id, kind: 'failed', error };
    const problem = error.issues.map(({ message, hint }) => (hint ? `${message}; ${hint}` : message)).join('\n');
    return { id, kind: 'unreadable', problem };
  }
}

function tooLarge(name: string, { width, height }: { width: number; height: number }, most: number): string {
  const [x, y, limit] = [width, height, most].map((count) => count.toLocaleString('en'));
  return `${name} has ${x} × ${y} pixels, more than this deployment takes (${limit}); make it smaller`;
}

const port = parentPort;
let before: Promise<void> = Promise.resolve();
port?.on('message', (job: ReadJob) => {
  // One image after the other.
  before = before.then(async () => {
    const result = await read(job);
    port.postMessage(result, buffersOf(result));
  });
});

/** What goes along with a result, instead of copies. */
function buffersOf(result: ReadResult): ArrayBuffer[] {
  if (result.kind === 'read') return [bufferOf(result.prepared)];
  return result.kind === 'large' ? [result.bytes.buffer as ArrayBuffer] : [];
}
