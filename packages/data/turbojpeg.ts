import { createRequire } from 'node:module';
import type koffi from 'koffi';

/**
 * libturbojpeg, when the machine has it (Debian: libturbojpeg0). For JPEG it gives the same pixels as sharp, which carries the
 * same decoder, at a third of the cost: sharp moves an image through a chain of threads in small strips, here one call
 * decodes it in place. It also decodes at 1/2, 1/4 and 1/8 of the size for less than half of the time.
 */
export interface TurboJpeg {
  /** Size of the stored pixels, and how many bytes each has: 3 (RGB), or 4 (CMYK, as it stands in the file). Null for what is no JPEG. */
  size(jpeg: Uint8Array): { width: number; height: number; channels: 3 | 4 } | null;
  /**
   * Decodes to `scaled(width) × scaled(height)` pixels. False when anything is odd about the data: another decoder then has to
   * say whether it is harmless.
   */
  decode(jpeg: Uint8Array, eighths: Eighths, target: Uint8Array): boolean;
}

export type Eighths = 1 | 2 | 4 | 8;

/** Length of a side at a scale. */
export function scaled(length: number, eighths: Eighths): number {
  return Math.ceil((length * eighths) / 8);
}

const LIBRARIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libturbojpeg.so.0'],
  darwin: ['libturbojpeg.dylib', '/opt/homebrew/lib/libturbojpeg.dylib', '/usr/local/lib/libturbojpeg.dylib'],
  win32: ['turbojpeg.dll'],
};

let opened: TurboJpeg | null | undefined;

/** The library of this machine, opened once per thread. `FOVEA_TURBOJPEG` is the path of another one, or `off`. */
export function turboJpeg(): TurboJpeg | null {
  opened ??= open();
  return opened;
}

function open(): TurboJpeg | null {
  const asked = process.env.FOVEA_TURBOJPEG;
  if (asked === 'off') return null;
  // Loaded when the first JPEG comes: a thread that is ended while it loads koffi takes the process with it.
  const { load } = createRequire(import.meta.url)('koffi') as typeof koffi;
  for (const name of asked ? [asked] : (LIBRARIES[process.platform] ?? [])) {
    try {
      return bind(load(name));
    } catch {
      // Not there, or not for this machine. sharp does the same, only slower.
    }
  }
  return null;
}

/** From turbojpeg.h, version 1.4 or newer: enum TJPF, enum TJCS. */
const TJPF_RGB = 0;
const TJPF_CMYK = 11;
const TJCS_CMYK = 3;

function bind(library: ReturnType<typeof koffi.load>): TurboJpeg {
  const init = library.func('void *tjInitDecompress()');
  const header = library.func(
    'int tjDecompressHeader3(void *handle, const uint8_t *jpeg, unsigned long bytes, int *width, int *height, int *subsampling, int *colours)',
  );
  const decompress = library.func(
    'int tjDecompress2(void *handle, const uint8_t *jpeg, unsigned long bytes, uint8_t *target, int width, int pitch, int height, int format, int flags)',
  );
  const handle: unknown = init();
  if (handle === null) throw new Error('libturbojpeg gave no handle');
  const found = new Int32Array(4);
  const size: TurboJpeg['size'] = (jpeg) => {
    if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return null;
    const failed =
      header(handle, jpeg, jpeg.length, found.subarray(0), found.subarray(1), found.subarray(2), found.subarray(3)) !==
      0;
    return failed ? null : { width: found[0], height: found[1], channels: found[3] >= TJCS_CMYK ? 4 : 3 };
  };
  return {
    size,
    decode(jpeg, eighths, target) {
      const full = size(jpeg);
      if (!full) return false;
      const [width, height] = [scaled(full.width, eighths), scaled(full.height, eighths)];
      if (target.length < width * height * full.channels) throw new RangeError('the target is too small for the image');
      const format = full.channels === 4 ? TJPF_CMYK : TJPF_RGB;
      return decompress(handle, jpeg, jpeg.length, target, width, 0, height, format, 0) === 0;
    },
  };
}
