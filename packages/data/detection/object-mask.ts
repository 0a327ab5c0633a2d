import { boxMask, polygonsMask } from '../masks/polygon-mask.ts';
import type { RunLengths } from '../masks/run-lengths.ts';
import type { LabelledObject } from './object-record.ts';

/**
 * The pixels of an object in an image of this size, drawn as COCO draws polygons: what lies in any of its pieces. Of an object without
 * outline those of its box.
 */
export function objectMask(
  { box, polygons }: Pick<LabelledObject, 'box' | 'polygons'>,
  { width, height }: { width: number; height: number },
): RunLengths {
  const inPixels = (shares: readonly number[]) => shares.map((value, i) => value * (i % 2 === 0 ? width : height));
  if (polygons) return polygonsMask(polygons.map(inPixels), height, width);
  const [x1, y1, x2, y2] = inPixels(box);
  return boxMask([x1, y1, x2 - x1, y2 - y1], height, width);
}
