/**
 * A mask as lengths of runs of equal pixels, column after column from the top left; the first run is outside the mask and may be 0.
 * The form of COCO's mask API.
 */
export interface RunLengths {
  height: number;
  width: number;
  counts: Uint32Array;
}

/**
 * @param counts lengths as files hold them, `{size: [height, width], counts: […]}`
 * @throws RangeError when they do not make up height × width pixels
 */
export function runLengths(counts: ArrayLike<number>, height: number, width: number): RunLengths {
  checkSize(height, width);
  let pixels = 0;
  for (let i = 0; i < counts.length; i++) {
    const run = counts[i];
    if (!(Number.isInteger(run) && run >= 0)) {
      throw new RangeError(`run ${i} of the mask is ${run}; run lengths are whole numbers of 0 or more`);
    }
    pixels += run;
  }
  if (pixels !== height * width) {
    throw new RangeError(
      `the runs of the mask make up ${pixels} pixels; a mask of ${height} × ${width} has ${height * width}`,
    );
  }
  return { height, width, counts: Uint32Array.from(counts) };
}

/** @param pixels 0 or another number each, column after column [width · height] */
export function encodeMask(pixels: ArrayLike<number>, height: number, width: number): RunLengths {
  checkSize(height, width);
  if (pixels.length !== height * width) {
    throw new RangeError(`a mask of ${height} × ${width} has ${height * width} pixels, not ${pixels.length}`);
  }
  const counts: number[] = [];
  let inside = false;
  let run = 0;
  for (let i = 0; i < pixels.length; i++) {
    if ((pixels[i] !== 0) !== inside) {
      counts.push(run);
      run = 0;
      inside = !inside;
    }
    run++;
  }
  counts.push(run);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** 1 inside the mask, otherwise 0; column after column [width · height]. */
export function decodeMask({ height, width, counts }: RunLengths): Uint8Array {
  const pixels = new Uint8Array(height * width);
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    if (i % 2 === 1) pixels.fill(1, at, at + counts[i]);
    at += counts[i];
  }
  return pixels;
}

/** Pixels inside the mask. */
export function maskArea({ counts }: RunLengths): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i];
  return area;
}

/** The smallest box around the mask, `[x, y, width, height]`; zeros for an empty mask. */
export function maskBox({ height, width, counts }: RunLengths): [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, -1, -1];
  let end = 0;
  for (let i = 0; i < counts.length; i++) {
    const start = end;
    end += counts[i];
    if (i % 2 === 0 || counts[i] === 0) continue;
    const firstColumn = Math.floor(start / height);
    const lastColumn = Math.floor((end - 1) / height);
    left = Math.min(left, firstColumn);
    right = Math.max(right, lastColumn);
    // A run that goes on in the next column touches the bottom of one and the top of the other.
    top = firstColumn < lastColumn ? 0 : Math.min(top, start % height);
    bottom = firstColumn < lastColumn ? height - 1 : Math.max(bottom, (end - 1) % height);
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/**
 * What lies in one of the masks, or in all of them.
 * @throws RangeError for no masks, or masks of different sizes
 */
export function mergeMasks(masks: readonly RunLengths[], how: 'union' | 'intersection' = 'union'): RunLengths {
  if (masks.length === 0) throw new RangeError('there are no masks to merge');
  return masks.reduce((merged, mask) => mergeTwo(merged, mask, how));
}

function mergeTwo(a: RunLengths, b: RunLengths, how: 'union' | 'intersection'): RunLengths {
  checkSameSize(a, b);
  // Two runs end at most at as many places as both masks have.
  const counts = new Uint32Array(a.counts.length + b.counts.length);
  let length = 0;
  let run = 0;
  let inside = false;
  walkTogether(a.counts, b.counts, (pixels, inA, inB) => {
    const now = how === 'union' ? inA || inB : inA && inB;
    if (now !== inside) {
      counts[length++] = run;
      run = 0;
      inside = now;
    }
    run += pixels;
  });
  counts[length++] = run;
  return { height: a.height, width: a.width, counts: counts.slice(0, length) };
}

/**
 * Pixels in both masks / pixels in either, in 0..1; 0 when they share none.
 * @param crowd the second covers many things: then it is pixels in both / pixels of the first
 * @throws RangeError for masks of different sizes
 */
export function maskOverlap(mask: RunLengths, other: RunLengths, crowd = false): number {
  checkSameSize(mask, other);
  let both = 0;
  let either = 0;
  walkTogether(mask.counts, other.counts, (pixels, inMask, inOther) => {
    if (inMask && inOther) both += pixels;
    if (inMask || inOther) either += pixels;
  });
  return both === 0 ? 0 : both / (crowd ? maskArea(mask) : either);
}

/** Visits the stretches of pixels over which neither of two masks changes. */
function walkTogether(
  a: Uint32Array,
  b: Uint32Array,
  visit: (pixels: number, inA: boolean, inB: boolean) => void,
): void {
  let [leftOfA, leftOfB] = [a[0] ?? 0, b[0] ?? 0];
  let [nextA, nextB] = [1, 1];
  for (;;) {
    while (leftOfA === 0 && nextA < a.length) leftOfA = a[nextA++];
    while (leftOfB === 0 && nextB < b.length) leftOfB = b[nextB++];
    const pixels = Math.min(leftOfA, leftOfB);
    if (pixels === 0) return;
    visit(pixels, nextA % 2 === 0, nextB % 2 === 0);
    leftOfA -= pixels;
    leftOfB -= pixels;
  }
}

const checkSameSize = (a: RunLengths, b: RunLengths): void => {
  if (a.height !== b.height || a.width !== b.width) {
    throw new RangeError(
      `masks of ${a.height} × ${a.width} and ${b.height} × ${b.width} pixels cannot be laid over each other`,
    );
  }
};

function checkSize(height: number, width: number): void {
  for (const [name, side] of [
    ['height', height],
    ['width', width],
  ] as const) {
    if (!(Number.isInteger(side) && side >= 0)) throw new RangeError(`the ${name} of a mask cannot be ${side}`);
  }
  if (height * width >= 2 ** 32) throw new RangeError(`a mask of ${height} × ${width} pixels is too large`);
}

/**
 * Paints a mask into a picture of its image, one byte a pixel, row by row: run lengths themselves go down the columns.
 *
 * @param pixels `[height, width]`; what is not in the mask stays as it is
 */
export function paintMask({ width, height, counts }: RunLengths, pixels: Uint8Array, value: number): void {
  let end = 0;
  for (let i = 0; i < counts.length; i++) {
    const from = end;
    end += counts[i];
    if (i % 2 === 0) continue;
    let [x, y] = [Math.floor(from / height), from % height];
    for (let pixel = from; pixel < end; pixel++) {
      pixels[y * width + x] = value;
      if (++y === height) [x, y] = [x + 1, 0];
    }
  }
}
