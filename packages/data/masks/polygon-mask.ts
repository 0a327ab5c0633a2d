import { mergeMasks, type RunLengths } from './run-lengths.ts';

/** Outlines are walked on a grid this many times finer than the pixels. */
const FINER = 5;

/** Outlines are walked step by step, also outside of the image: farther than this they are mistakes, not things. */
const FARTHEST = 1e7;

/**
 * The pixels inside a polygon, exactly as COCO's mask API draws them (rleFrPoly of maskApi.c): the outline is walked on a grid five
 * times finer, and where it crosses the middle of a column of pixels the mask begins or ends. What lies outside of the image is cut off.
 *
 * @param corners `[x1, y1, x2, y2, …]` in pixels
 * @throws RangeError for less than one corner, half a corner, or coordinates that are no numbers or absurdly large
 */
export function polygonMask(corners: ArrayLike<number>, height: number, width: number): RunLengths {
  const count = corners.length / 2;
  if (!(Number.isInteger(count) && count > 0)) {
    throw new RangeError(`a polygon is a list of x and y in turn; this has ${corners.length} numbers`);
  }
  const fine = new Int32Array(corners.length + 2);
  for (let i = 0; i < corners.length; i++) {
    if (!(Math.abs(corners[i]) < FARTHEST))
      throw new RangeError(`coordinate ${i} of the polygon is ${corners[i]}; expected pixels`);
    fine[i] = Math.trunc(FINER * corners[i] + 0.5);
  }
  fine[corners.length] = fine[0];
  fine[corners.length + 1] = fine[1];
  return betweenCrossings(crossings(fine, height, width), height, width);
}

/** The pixels inside at least one of the polygons. */
export const polygonsMask = (polygons: readonly ArrayLike<number>[], height: number, width: number): RunLengths =>
  mergeMasks(polygons.map((corners) => polygonMask(corners, height, width)));

/** The pixels inside a box, drawn like a polygon. @param box `[x, y, width, height]` in pixels */
export function boxMask([x, y, w, h]: ArrayLike<number> & Iterable<number>, height: number, width: number): RunLengths {
  return polygonMask([x, y, x, y + h, x + w, y + h, x + w, y], height, width);
}

/** The pixels, counted column after column, before which the outline crosses the middle of their column. */
function crossings(fine: Int32Array, height: number, width: number): number[] {
  const found: number[] = [];
  let [lastX, lastY] = [0, 0];
  let started = false;
  const step = (x: number, y: number): void => {
    if (started && x !== lastX) {
      const column = (Math.min(x, lastX) + 0.5) / FINER - 0.5;
      if (Number.isInteger(column) && column >= 0 && column <= width - 1) {
        const row = (Math.min(y, lastY) + 0.5) / FINER - 0.5;
        found.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
      }
    }
    started = true;
    lastX = x;
    lastY = y;
  };
  for (let i = 0; i + 3 < fine.length; i += 2) walkEdge(fine[i], fine[i + 1], fine[i + 2], fine[i + 3], step);
  return found;
}

/**
 * Visits the points of the fine grid from one corner to the next, both included. Rounded from the side of the smaller coordinate
 * whichever way the edge runs, so that polygons that share it share its pixels.
 */
function walkEdge(fromX: number, fromY: number, toX: number, toY: number, step: (x: number, y: number) => void): void {
  const across = Math.abs(toX - fromX);
  const down = Math.abs(toY - fromY);
  const flat = across >= down;
  const back = flat ? fromX > toX : fromY > toY;
  const [x, y] = back ? [toX, toY] : [fromX, fromY];
  const length = flat ? across : down;
  const rise = flat ? toY - fromY : toX - fromX;
  const slope = length === 0 ? 0 : (back ? -rise : rise) / length;
  for (let d = 0; d <= length; d++) {
    const t = back ? length - d : d;
    if (flat) step(x + t, Math.trunc(y + slope * t + 0.5));
    else step(Math.trunc(x + slope * t + 0.5), y + t);
  }
}

/** Runs that change at the crossings; two at one place cancel each other. */
function betweenCrossings(found: readonly number[], height: number, width: number): RunLengths {
  const ends = Uint32Array.from([...found, height * width]).sort();
  const counts: number[] = [];
  let last = 0;
  for (let i = 0; i < ends.length; i++) {
    const run = ends[i] - last;
    last = ends[i];
    if (i === 0 || run > 0) {
      counts.push(run);
    } else {
      i++;
      if (i < ends.length) {
        counts[counts.length - 1] += ends[i] - last;
        last = ends[i];
      }
    }
  }
  return { height, width, counts: Uint32Array.from(counts) };
}
