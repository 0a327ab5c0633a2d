import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMPILED, compileResample } from './compile-wasm.ts';
import { type Box, type Resampling, resample, sourcePixels } from './resample.ts';

test('resample.wasm is what resample.wat compiles to', async () => {
  assert.deepEqual(Buffer.from(await compileResample()), readFileSync(COMPILED));
});

/** The definition of ImagingResample for a triangle filter, pixel by pixel, with its weights of 22 bits. */
function expected(pixels: Uint8Array, { source, region, box, size, window }: Resampling): number[] {
  const pass = (
    inputs: number,
    start: number,
    length: number,
    outputs: number,
    i: number,
    at: (k: number) => number,
  ) => {
    const scale = length / outputs;
    const support = Math.max(1, scale);
    const center = start + (i + 0.5) * scale;
    const ks: number[] = [];
    for (
      let k = Math.max(0, Math.trunc(center - support + 0.5));
      k < Math.min(inputs, Math.trunc(center + support + 0.5));
      k++
    )
      ks.push(k);
    const weights = ks.map((k) => Math.max(0, 1 - Math.abs((k - center + 0.5) * (1 / support))));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const sum = ks.reduce((sum, k, j) => sum + at(k) * Math.floor((weights[j] / total) * 2 ** 22 + 0.5), 0);
    return Math.min(255, Math.floor(sum / 2 ** 22 + 0.5));
  };
  const out: number[] = [];
  for (let y = window.top; y < window.top + window.height; y++) {
    for (let x = window.left; x < window.left + window.width; x++) {
      for (let c = 0; c < 3; c++) {
        const pixel = (row: number, column: number) =>
          pixels[((region.top + row) * source.width + region.left + column) * 3 + c];
        const across = (row: number) =>
          pass(region.width, box.left - region.left, box.width, size.width, x, (column) => pixel(row, column));
        out.push(pass(region.height, box.top - region.top, box.height, size.height, y, across));
      }
    }
  }
  return out;
}

const part = (width: number, height: number) =>
  fc
    .record({ left: fc.nat({ max: width - 1 }), top: fc.nat({ max: height - 1 }), w: fc.nat(), h: fc.nat() })
    .map(
      ({ left, top, w, h }): Box => ({ left, top, width: 1 + (w % (width - left)), height: 1 + (h % (height - top)) }),
    );
const sizes = fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) });

test('any part of any image at any size is what the definition says, to the last bit', () => {
  const cases = fc.tuple(sizes, sizes, fc.integer()).chain(([source, size, seed]) =>
    fc
      .tuple(
        part(source.width, source.height),
        part(size.width, size.height),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
      )
      .map(([region, window, shift]) => {
        const box = {
          left: region.left + shift * 0.5,
          top: region.top,
          width: region.width - shift * 0.5,
          height: region.height - shift,
        };
        return { seed, resampling: { source, region, box, size, window } };
      }),
  );
  fc.assert(
    fc.property(cases, ({ seed, resampling }) => {
      const { source, window } = resampling;
      const pixels = new Uint8Array(source.width * source.height * 3).map(
        (_, i) => Math.imul(seed + i, 0x9e3779b1) >>> 24,
      );
      sourcePixels(pixels.length).set(pixels);
      const result = new Uint8Array(window.width * window.height * 3);
      resample(resampling, result);
      const wanted = expected(pixels, resampling);
      assert.deepEqual([...result], wanted);
    }),
    { numRuns: 300 },
  );
});

test('an image as large as the memory had never been, then a small one', () => {
  for (const [width, height] of [
    [5000, 5000],
    [3, 2],
    [5000, 100],
  ]) {
    sourcePixels(width * height * 3).fill(77);
    const whole = { left: 0, top: 0, width, height };
    const window = { left: 0, top: 0, width: 5, height: 4 };
    const result = new Uint8Array(60);
    resample({ source: { width, height }, region: whole, box: whole, size: { width: 5, height: 4 }, window }, result);
    assert.deepEqual(new Set(result), new Set([77]));
  }
});
