/** Where boxes come to lie in a training image, and which are left out. No engine is loaded. */
import type { Affine, SamplePlan } from './augment-plan.ts';
import type { YoloV5Version } from './network.ts';

/** Boxes of one original image. */
export interface OriginalBoxes {
  /** Corners x1, y1, x2, y2 in pixels, one box after the other. */
  corners: ArrayLike<number>;
  classes: ArrayLike<number>;
  /** For Mask R-CNN, of each object the pieces of its outline, `[x1, y1, x2, y2, …]` in pixels; YOLOv5 has no use for them. */
  outlines?: readonly Outline[];
}

/** Polygons that together are one object. */
export type Outline = readonly ArrayLike<number>[];

export interface SampleBoxes {
  /** Corners x1, y1, x2, y2 in pixels of the output, one box after the other. */
  corners: Float32Array;
  classes: Int32Array;
  /** Of each object, in pixels of the output, where the original has them. */
  outlines?: Outline[];
  /** How many were left out: outside of the output, or too little of them in it. */
  dropped: number;
}

/** Thinner boxes are left out, in pixels. */
const LEAST_SIDE = 2;
/** Boxes of which less than this share is left are left out. */
const LEAST_AREA = 0.1;
/** Boxes of sides that differ more are left out. */
const MOST_RATIO: Readonly<Record<YoloV5Version, number>> = { '5.0': 20, '6.2': 100 };

type Box = [x1: number, y1: number, x2: number, y2: number];

/**
 * The boxes of a plan's images in its output: mapped, clipped to it, and left out where too little is left.
 * Of a box that was turned, the box around its corners.
 *
 * @param boxesOf the boxes of the original with that index
 */
export function boxesInSample(
  plan: SamplePlan,
  boxesOf: (image: number) => OriginalBoxes,
  version: YoloV5Version = '6.2',
): SampleBoxes {
  const { canvas, affine, output, affineScale, flip } = plan;
  const kept: number[] = [];
  const classes: number[] = [];
  let dropped = 0;
  for (const { image, scaleX, scaleY, shiftX, shiftY } of plan.tiles) {
    const { corners, classes: labels } = boxesOf(image);
    for (let i = 0; i < labels.length; i++) {
      const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => corners[4 * i + k]);
      const onCanvas = clip(
        [x1 * scaleX + shiftX, y1 * scaleY + shiftY, x2 * scaleX + shiftX, y2 * scaleY + shiftY],
        canvas,
      );
      const [left, top, right, bottom] = affine ? clip(mapped(onCanvas, affine), output) : onCanvas;
      const isKept = affine
        ? isWorthKeeping(onCanvas, affineScale, [left, top, right, bottom], MOST_RATIO[version])
        : right > left && bottom > top;
      if (!isKept) {
        dropped++;
        continue;
      }
      kept.push(flip ? output.width - right : left, top, flip ? output.width - left : right, bottom);
      classes.push(labels[i]);
    }
  }
  return { corners: Float32Array.from(kept), classes: Int32Array.from(classes), dropped };
}

const clip = ([x1, y1, x2, y2]: Box, { width, height }: { width: number; height: number }): Box => {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  return [within(x1, width), within(y1, height), within(x2, width), within(y2, height)];
};

function mapped([x1, y1, x2, y2]: Box, [a, b, c, d, e, f]: Affine): Box {
  const corners = [
    [x1, y1],
    [x2, y1],
    [x2, y2],
    [x1, y2],
  ];
  const xs = corners.map(([x, y]) => a * x + b * y + c);
  const ys = corners.map(([x, y]) => d * x + e * y + f);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function isWorthKeeping(before: Box, scale: number, after: Box, mostRatio: number): boolean {
  const [width, height] = [after[2] - after[0], after[3] - after[1]];
  const area = (before[2] - before[0]) * (before[3] - before[1]) * scale ** 2;
  return (
    width > LEAST_SIDE &&
    height > LEAST_SIDE &&
    width * height > LEAST_AREA * area &&
    Math.max(width / height, height / width) < mostRatio
  );
}

/**
 * The targets of a batch as the loss takes them: `[T, 6]`, row by row: image, class, centre x, y, width, height, the latter four
 * normalised to 0 … 1.
 *
 * @param size side of the images in pixels
 */
export function yolov5Targets(
  samples: readonly Pick<SampleBoxes, 'corners' | 'classes'>[],
  size: number,
): Float32Array {
  const rows = new Float32Array(6 * samples.reduce((sum, { classes }) => sum + classes.length, 0));
  let at = 0;
  for (const [image, { corners, classes }] of samples.entries()) {
    for (let i = 0; i < classes.length; i++) {
      const [x1, y1, x2, y2] = corners.subarray(4 * i, 4 * i + 4);
      rows.set([image, classes[i], (x1 + x2) / 2 / size, (y1 + y2) / 2 / size, (x2 - x1) / size, (y2 - y1) / size], at);
      at += 6;
    }
  }
  return rows;
}
