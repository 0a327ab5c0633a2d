import { open, stat } from 'node:fs/promises';
import { sharp } from './sharp.ts';

/** Most pixels that an image may have: Pillow's bound, twice a quarter of a GiB in RGB. More is a mistake, or a trap. */
export const MOST_PIXELS = 2 * Math.floor(2 ** 30 / 4 / 3);

/** An image has more pixels than `MOST_PIXELS`, by its header: nothing of it was decoded. */
export class TooManyPixelsError extends Error {
  override readonly name = 'TooManyPixelsError';
  readonly width: number;
  readonly height: number;

  constructor({ width, height }: { width: number; height: number }) {
    super(`${width} × ${height} pixels exceed the limit of ${MOST_PIXELS}`);
    this.width = width;
    this.height = height;
  }
}

/** @throws TooManyPixelsError */
export function requireFewPixels(size: { width: number; height: number }): void {
  if (size.width * size.height > MOST_PIXELS) throw new TooManyPixelsError(size);
}

/** Why an image file cannot be used, in words for a person. */
export interface ImageProblem {
  code: 'image-missing' | 'image-unreadable' | 'image-empty' | 'not-an-image' | 'image-too-large' | 'image-damaged';
  /** Continues `cat.jpg …`: `is not there`. */
  message: string;
  hint?: string;
}

/** Finds out why decoding `file`, or the `bytes` that stand for it, failed with `error`. */
export async function imageProblem(file: string, error: unknown, bytes?: Uint8Array): Promise<ImageProblem> {
  if (bytes?.length === 0) return { code: 'image-empty', message: 'is empty (0 bytes)' };
  if (bytes) return contentProblem(bytes, Buffer.from(bytes.subarray(0, 64)), error);
  try {
    // Asked before opening: to open a pipe is to wait for somebody to write to it.
    const stats = await stat(file);
    if (!stats.isFile()) {
      return { code: 'not-an-image', message: stats.isDirectory() ? 'is a folder' : 'is not a regular file' };
    }
    if (stats.size === 0) return { code: 'image-empty', message: 'is empty (0 bytes)' };
    return await contentProblem(file, await firstBytes(file), error);
  } catch (failure) {
    return openProblem(failure);
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(64), position: 0 });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function openProblem(failure: unknown): ImageProblem {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  if (code === 'ENOENT') return { code: 'image-missing', message: 'is not there' };
  if (code === 'EACCES' || code === 'EPERM')
    return { code: 'image-unreadable', message: 'may not be read', hint: 'check its permissions' };
  return {
    code: 'image-unreadable',
    message: `cannot be opened: ${failure instanceof Error ? failure.message : failure}`,
  };
}

async function contentProblem(file: string | Uint8Array, start: Buffer, error: unknown): Promise<ImageProblem> {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof TooManyPixelsError || /exceeds pixel limit/.test(reason)) {
    const { width, height } =
      error instanceof TooManyPixelsError ? error : await sharp(file, { limitInputPixels: false }).metadata();
    const message = `has ${width.toLocaleString('en')} × ${height.toLocaleString('en')} pixels, more than can be opened (${MOST_PIXELS.toLocaleString('en')})`;
    return { code: 'image-too-large', message, hint: 'make it smaller' };
  }
  if (/unsupported image format|no known loader/i.test(reason)) {
    const kind = kindOf(start);
    return {
      code: 'not-an-image',
      message: `is not an image that can be read${kind ? ` (it is ${kind})` : ''}`,
      hint: 'JPEG, PNG, WebP, TIFF, GIF and BMP can',
    };
  }
  const [cause] = withoutPreface(error).split('\n');
  const isCut = /premature end of JPEG image|not enough data|end of (file|GIF|stream)|unexpected end/i.test(reason);
  // libpng has the same words for both.
  const what = isCut ? 'is cut off' : /read error/.test(reason) ? 'is cut off or damaged' : 'is damaged';
  return { code: 'image-damaged', message: `${what} (${cause})` };
}

/** The words of libvips, joined by new lines, without what sharp puts in front of them. */
export function withoutPreface(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.replace(/^(Input (file|buffer) has corrupt header: |Warning treated as error[^\n]*\n)/i, '');
}

/** What a file is by its first bytes, for the kinds that often lie between images. */
function kindOf(start: Buffer): string | undefined {
  if (start.subarray(0, 2).toString('latin1') === 'BM') return 'a BMP of a rare kind';
  if (start.subarray(0, 5).toString('latin1') === '%PDF-') return 'a PDF';
  if (start.subarray(0, 2).toString('latin1') === 'PK') return 'a ZIP archive';
  if (/^\s*</.test(start.toString('latin1'))) return 'HTML or XML';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what makes text
  return /^[^\u0000-\u0008\u000e-\u001f\ufffd]*$/.test(start.toString('utf8')) ? 'text' : undefined;
}
