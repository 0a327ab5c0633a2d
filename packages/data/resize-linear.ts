/** OpenCV's `resize(…, INTER_LINEAR)` of 8-bit images: no antialias, weights of 11 bits (imgproc/src/resize.cpp). */

interface Size {
  readonly width: number;
  readonly height: number;
}

const WEIGHT_BITS = 11;

/**
 * Bit for bit what OpenCV gives; shrinking to exactly a half averages each 2 × 2, as there.
 *
 * @param pixels RGB, height × width × 3
 */
export function resizeLinear(pixels: Uint8Array, from: Size, to: Size): Uint8Array {
  if (from.width === 2 * to.width && from.height === 2 * to.height) return halve(pixels, from);
  const across = inputs(from.width, to.width);
  const down = inputs(from.height, to.height);
  const stride = to.width * 3;
  // Two input rows, stretched across, with 11 bits behind the point; an output row often needs those of the one before.
  const rows = [new Int32Array(stride), new Int32Array(stride)];
  const held = [-1, -1];
  const result = new Uint8Array(stride * to.height);
  for (let y = 0; y < to.height; y++) {
    const above = Math.min(Math.max(down.first[y], 0), from.height - 1);
    const below = Math.min(Math.max(down.first[y] + 1, 0), from.height - 1);
    if (held[1] === above && held[0] !== above) {
      rows.reverse();
      held.reverse();
    }
    for (const [slot, row] of [above, below].entries()) {
      if (held[slot] === row) continue;
      stretchRow(pixels.subarray(row * from.width * 3, (row + 1) * from.width * 3), across, rows[slot]);
      held[slot] = row;
    }
    const [first, second] = rows;
    const [a, b] = [down.weights[2 * y], down.weights[2 * y + 1]];
    for (let i = 0; i < stride; i++) {
      result[y * stride + i] = (((a * (first[i] >> 4)) >> 16) + ((b * (second[i] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return result;
}

interface Inputs {
  /** The first of the two inputs of each output; the second is the next one. */
  first: Int32Array;
  weights: Int32Array;
}

/** Positions are computed in single precision, as there. */
function inputs(from: number, to: number): Inputs {
  const scale = 1 / (to / from);
  const first = new Int32Array(to);
  const weights = new Int32Array(2 * to);
  for (let i = 0; i < to; i++) {
    const position = Math.fround((i + 0.5) * scale - 0.5);
    first[i] = Math.floor(position);
    const fraction = Math.fround(position - first[i]);
    weights[2 * i] = roundHalfToEven(Math.fround(1 - fraction) * 2 ** WEIGHT_BITS);
    weights[2 * i + 1] = roundHalfToEven(fraction * 2 ** WEIGHT_BITS);
  }
  return { first, weights };
}

/** Beyond the first and the last pixel, the row goes on as it ends. */
function stretchRow(row: Uint8Array, { first, weights }: Inputs, target: Int32Array): void {
  const last = row.length / 3 - 1;
  for (let x = 0; x < first.length; x++) {
    const position = first[x];
    const [left, a, b] =
      position < 0
        ? [0, 1 << WEIGHT_BITS, 0]
        : position >= last
          ? [last, 1 << WEIGHT_BITS, 0]
          : [position, weights[2 * x], weights[2 * x + 1]];
    const right = Math.min(left + 1, last);
    for (let c = 0; c < 3; c++) target[3 * x + c] = row[3 * left + c] * a + row[3 * right + c] * b;
  }
}

/** As OpenCV's `cvRound`: a half goes to the even neighbour. */
function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

function halve(pixels: Uint8Array, { width, height }: Size): Uint8Array {
  const result = new Uint8Array((width / 2) * (height / 2) * 3);
  const stride = width * 3;
  let to = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let c = 0; c < 3; c++) {
        const at = y * stride + x * 3 + c;
        result[to++] = (pixels[at] + pixels[at + 3] + pixels[at + stride] + pixels[at + stride + 3] + 2) >> 2;
      }
    }
  }
  return result;
}
