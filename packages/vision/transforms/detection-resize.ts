/** How images come into Faster R-CNN and RetinaNet: `DetectionTransform` without the engine. */
import type { Size } from './geometry.ts';
import { type Normalisation, normalisePixels } from './normalise.ts';

/**
 * Normalises, then resizes (to `detectionSize`) without antialias, as `torch.nn.functional.interpolate(…, mode='bilinear')` does.
 *
 * @param pixels RGB, height × width × 3
 * @returns [3, to.height, to.width]
 */
export function detectionInput(pixels: Uint8Array, from: Size, to: Size, normalisation: Normalisation): Float32Array {
  const planes = normalisePixels(pixels, from.width * from.height, normalisation);
  if (from.width === to.width && from.height === to.height) return planes;
  const result = new Float32Array(3 * to.width * to.height);
  const [across, down] = [neighbours(from.width, to.width), neighbours(from.height, to.height)];
  for (let channel = 0; channel < 3; channel++) {
    const area = from.width * from.height;
    const plane = planes.subarray(channel * area, (channel + 1) * area);
    const rows = [new Float32Array(to.width), new Float32Array(to.width)];
    const held = [-1, -1];
    for (let y = 0; y < to.height; y++) {
      const wanted = [down.first[y], down.second[y]];
      if (held[1] === wanted[0] && held[0] !== wanted[0]) {
        rows.reverse();
        held.reverse();
      }
      for (let slot = 0; slot < 2; slot++) {
        if (held[slot] === wanted[slot]) continue;
        stretchRow(plane, wanted[slot] * from.width, across, rows[slot]);
        held[slot] = wanted[slot];
      }
      const [above, below] = rows;
      const weight = down.weight[y];
      const rest = Math.fround(1 - weight);
      const start = (channel * to.height + y) * to.width;
      for (let x = 0; x < to.width; x++) result[start + x] = above[x] * rest + below[x] * weight;
    }
  }
  return result;
}

interface Neighbours {
  first: Int32Array;
  second: Int32Array;
  /** Of the second. */
  weight: Float32Array;
}

function neighbours(from: number, to: number): Neighbours {
  const scale = Math.fround(from / to);
  const [first, second, weight] = [new Int32Array(to), new Int32Array(to), new Float32Array(to)];
  for (let i = 0; i < to; i++) {
    const position = Math.max(0, Math.fround(scale * (i + 0.5) - 0.5));
    first[i] = Math.min(Math.floor(position), from - 1);
    second[i] = Math.min(first[i] + 1, from - 1);
    weight[i] = Math.min(Math.max(position - first[i], 0), 1);
  }
  return { first, second, weight };
}

function stretchRow(
  plane: Float32Array,
  start: number,
  { first, second, weight }: Neighbours,
  out: Float32Array,
): void {
  for (let x = 0; x < out.length; x++)
    out[x] = plane[start + first[x]] * (1 - weight[x]) + plane[start + second[x]] * weight[x];
}
