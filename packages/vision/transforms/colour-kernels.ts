import { readFileSync } from 'node:fs';

/** Operations of colour.wat on the pixels that were put into its memory; `end` as `PixelMemory.end`. */
interface Kernels {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  blend(end: number, from: number, alpha: number): void;
  lumaSum(end: number): number;
  saturation(end: number, alpha: number): void;
  hue(end: number, shift: number): void;
}

/** What is used of the global. Its full declarations are part of the DOM library, of which nothing else is meant here. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Compiled from colour.wat by `npm run wasm -w @fovea/vision`; a test proves that they are the same. */
const module = new WebAssembly.Module(readFileSync(new URL('./colour.wasm', import.meta.url)));
let kernels = instantiate();

function instantiate(): Kernels {
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}

/** Pixels are taken four at a time by some operations, sixteen bytes at a time by others. */
const BLOCK = 48;
/** Reads go that much further. */
const SLACK = 16;
const PAGE = 65536;
/** A larger memory, left by a huge image, is given back. */
const LARGEST_KEPT = 64 * 2 ** 20;

/** Pixels where the kernels can change them. */
export interface PixelMemory extends Omit<Kernels, 'memory'> {
  readonly end: number;
  readonly pixels: number;
}

/**
 * Changes RGB pixels in place by operations that run one after another in the memory of the kernels.
 * There is one such memory per thread.
 */
export function changePixels(pixels: Uint8Array, change: (memory: PixelMemory) => void): void {
  const end = Math.ceil(pixels.length / BLOCK) * BLOCK;
  if (kernels.memory.buffer.byteLength > LARGEST_KEPT && end < LARGEST_KEPT) kernels = instantiate();
  const missing = end + SLACK - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE));
  const memory = new Uint8Array(kernels.memory.buffer);
  memory.set(pixels);
  // Black counts as nothing in a sum.
  memory.fill(0, pixels.length, end);
  const { blend, lumaSum, saturation, hue } = kernels;
  if (end > 0) change({ blend, lumaSum, saturation, hue, end, pixels: pixels.length / 3 });
  pixels.set(memory.subarray(0, pixels.length));
}
