import { type RunLengths, runLengths } from '@fovea/data/masks';
import type { Rectangle, Size } from './geometry.ts';

/** Cells without anything around a mask, so that it fades out at the edge of its box. */
const BORDER = 1;

/** Pixels of an image with how likely each belongs to an object; all others do not. */
export interface PastedMask extends Rectangle {
  /** Column after column `[width · height]`, in [0, 1]. */
  probabilities: Float32Array;
}

/**
 * The probabilities of a mask on the pixels of its box: the rectangle of torchvision's `paste_masks_in_image` that is not zero anyhow.
 * See `pasteMasks` for the pixels above a threshold, which it gives sooner.
 *
 * @param cells probabilities row by row `[side · side]`
 * @param box corners x1, y1, x2, y2 in pixels of the image
 */
export function pasteMask(cells: Float32Array, side: number, box: ArrayLike<number>, image: Size): PastedMask {
  const across = placeAlong(box[0], box[2], side, image.width);
  const down = placeAlong(box[1], box[3], side, image.height);
  const probabilities = new Float32Array(across.pixels * down.pixels);
  const column = new Float32Array(side + 2 * BORDER);
  for (let x = 0, at = 0; x < across.pixels; x++) {
    stretch(cells, side, across, x, column);
    for (let y = 0; y < down.pixels; y++)
      probabilities[at++] = between(column[down.cell[y]], column[down.next[y]], down.share[y]);
  }
  return { left: across.first, top: down.first, width: across.pixels, height: down.pixels, probabilities };
}

/** In single precision, as the engine has it. */
const between = (upper: number, lower: number, share: number): number =>
  Math.fround(Math.fround(Math.fround(1 - share) * upper) + Math.fround(share * lower));

/** Farther from the threshold than this rounding does not matter: all pixels between two such cells are on the same side as they. */
const ROUNDING = 1e-5;

/**
 * Masks on an image as torchvision's `paste_masks_in_image` puts them there (models/detection/roi_heads.py, v0.14), each as run lengths
 * of the pixels above a threshold: a box is enlarged by the border, its corners lose their fractions, and the mask is resized to it
 * bilinearly. Only where a mask passes the threshold pixels are looked at; no picture of the image, or of a box, is made.
 *
 * @param masks probabilities `[K, side, side]`
 * @param boxes corners x1, y1, x2, y2 in pixels of the image `[K, 4]`
 * @param threshold in [0, 1]: a pixel belongs to the object when its probability is higher (`mask_pixel_score_threshold`). Default 0.5
 * @throws RangeError when the lists do not fit each other
 */
export function pasteMasks(
  { masks, boxes, side }: { masks: Float32Array; boxes: ArrayLike<number>; side: number },
  image: Size,
  threshold = 0.5,
): RunLengths[] {
  const count = boxes.length / 4;
  if (masks.length !== count * side * side)
    throw new RangeError(`${count} boxes need masks [${count}, ${side}, ${side}], got ${masks.length} numbers`);
  return Array.from({ length: count }, (_, k) => {
    const cells = masks.subarray(k * side * side, (k + 1) * side * side);
    const across = placeAlong(boxes[4 * k], boxes[4 * k + 2], side, image.width);
    const down = placeAlong(boxes[4 * k + 1], boxes[4 * k + 3], side, image.height);
    return runsAbove({ cells, side, across, down }, image, threshold);
  });
}

interface Placed {
  cells: Float32Array;
  side: number;
  across: Along;
  down: Along;
}

function runsAbove({ cells, side, across, down }: Placed, image: Size, threshold: number): RunLengths {
  const counts: number[] = [];
  let isIn = false;
  // Where the current run began.
  let begun = 0;
  const change = (pixel: number): void => {
    counts.push(pixel - begun);
    begun = pixel;
    isIn = !isIn;
  };
  const isWhole = down.pixels === image.height;
  // The mask stretched across, of one column of pixels.
  const column = new Float32Array(side + 2 * BORDER);
  for (let x = 0; x < across.pixels; x++) {
    stretch(cells, side, across, x, column);
    const top = (across.first + x) * image.height + down.first;
    for (let from = 0; from < down.pixels; from = down.until[from]) {
      const until = down.until[from];
      const upper = column[down.cell[from]];
      const lower = column[down.next[from]];
      const isAbove = upper > threshold + ROUNDING && lower > threshold + ROUNDING;
      if (isAbove || (upper < threshold - ROUNDING && lower < threshold - ROUNDING)) {
        if (isAbove !== isIn) change(top + from);
        continue;
      }
      for (let y = from; y < until; y++) {
        if (between(upper, lower, down.share[y]) > threshold !== isIn) change(top + y);
      }
    }
    // Below the box, and above it in the next column, are pixels of none.
    if (isIn && !isWhole) change(top + down.pixels);
  }
  const last = image.width * image.height;
  const end = (across.first + across.pixels) * image.height;
  if (isIn && end < last) change(end);
  counts.push(last - begun);
  return runLengths(counts, image.height, image.width);
}

/** The cells of a mask, those of the border included, between which a column of pixels lies. */
function stretch(cells: Float32Array, side: number, across: Along, x: number, column: Float32Array): void {
  const { fround } = Math;
  const [left, right] = [across.cell[x] - BORDER, across.next[x] - BORDER];
  const hasLeft = left >= 0 && left < side;
  const hasRight = right >= 0 && right < side;
  const rightWeight = across.share[x];
  const leftWeight = fround(1 - rightWeight);
  for (let row = 0, start = 0; row < side; row++, start += side) {
    const one = hasLeft ? fround(leftWeight * cells[start + left]) : 0;
    const other = hasRight ? fround(rightWeight * cells[start + right]) : 0;
    column[row + BORDER] = one + other;
  }
}

/** Where the pixels of one side of an enlarged box lie among the cells of a mask, of those pixels that are in the image. */
interface Along {
  /** Pixel of the image. */
  first: number;
  pixels: number;
  /** Cells, those of the border counted, that a pixel lies between, and how much of the second it has. */
  cell: Int32Array;
  next: Int32Array;
  share: Float32Array;
  /** The first pixel that lies between other cells than this one. */
  until: Int32Array;
}

function placeAlong(low: number, high: number, side: number, length: number): Along {
  const { fround, trunc } = Math;
  const cells = side + 2 * BORDER;
  const half = fround(fround(fround(high - low) * 0.5) * fround(cells / side));
  const centre = fround(fround(high + low) * 0.5);
  const [from, to] = [trunc(fround(centre - half)), trunc(fround(centre + half))];
  const all = Math.max(1, to - from + 1);
  const first = Math.min(length, Math.max(0, from));
  const pixels = Math.max(0, Math.min(length, to + 1) - first);
  const cell = new Int32Array(pixels);
  const next = new Int32Array(pixels);
  const share = new Float32Array(pixels);
  const scale = fround(cells / all);
  for (let i = 0; i < pixels; i++) {
    const place = Math.max(0, fround(fround(scale * fround(first + i - from + 0.5)) - 0.5));
    cell[i] = Math.min(Math.floor(place), cells - 1);
    next[i] = Math.min(cell[i] + 1, cells - 1);
    share[i] = Math.min(1, place - cell[i]);
  }
  const until = new Int32Array(pixels);
  for (let i = pixels - 1; i >= 0; i--) until[i] = i + 1 < pixels && cell[i + 1] === cell[i] ? until[i + 1] : i + 1;
  return { first, pixels, cell, next, share, until };
}
