import { boundsOf, clipPolygon } from '@fovea/data/masks';
import type { Rectangle } from '../transforms/geometry.ts';
import { type TileGrid, tilesOf } from '../transforms/tile-grid.ts';
import type { Outline } from '../yolov5/augment.ts';
import type { BoxedImage } from './augment.ts';

/**
 * A box belongs to a tile when at least this share of its area lies there. When answers are merged, a part of an object with a higher
 * score takes the place of the whole object: with half of it and more it is still a right answer at an IoU of 0.5, and less of it is not
 * to be found. Nothing is lost: the image as a whole shows every object, and what is smaller than the overlap is whole in some tile.
 */
const LEAST_SHARE = 0.5;

/** The image as a whole and its tiles, each as an image of its own with its boxes, clipped to it. A tile without boxes stays. */
export function partsOf(image: BoxedImage, grid: TileGrid | null): BoxedImage[] {
  return grid ? [image, ...tilesOf(image, grid).map((tile) => partOf(image, tile))] : [image];
}

function partOf({ boxes, ...image }: BoxedImage, part: Rectangle): BoxedImage {
  const { left, top, width, height } = part;
  const corners: number[] = [];
  const classes: number[] = [];
  const outlines: Outline[] = [];
  for (let i = 0; i < boxes.classes.length; i++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => boxes.corners[4 * i + k]);
    const [right, bottom] = [Math.min(x2 - left, width), Math.min(y2 - top, height)];
    const [nearX, nearY] = [Math.max(x1 - left, 0), Math.max(y1 - top, 0)];
    if (right <= nearX || bottom <= nearY) continue;
    if ((right - nearX) * (bottom - nearY) < LEAST_SHARE * (x2 - x1) * (y2 - y1)) continue;
    const outline = boxes.outlines?.[i].flatMap((piece) => {
      const clipped = clipPolygon(piece, { left, top, right: left + width, bottom: top + height });
      return clipped.length === 0 ? [] : [clipped.map((value, k) => value - (k % 2 === 0 ? left : top))];
    });
    if (outline?.length === 0) continue;
    corners.push(...(outline ? boundsOf(outline) : [nearX, nearY, right, bottom]));
    classes.push(boxes.classes[i]);
    if (outline) outlines.push(outline);
  }
  return { ...image, width, height, part, boxes: { corners, classes, ...(boxes.outlines && { outlines }) } };
}
