/**
 * How a training image of YOLOv5 is put together: which images lie where on a canvas, and how the canvas becomes the image. Arithmetic
 * on sizes and random numbers alone; pixels and boxes follow a plan elsewhere. No engine is loaded.
 */
import type { Rectangle, Size } from '../transforms/geometry.ts';
import { letterboxGeometry } from '../transforms/letterbox.ts';
import type { Random } from '../transforms/random.ts';

/** [a, b, c, d, e, f]: (x, y) becomes (a x + b y + c, d x + e y + f). */
export type Affine = readonly [number, number, number, number, number, number];

/** Halves of the ranges that random affine maps are drawn from, uniformly. */
export interface AffineRanges {
  /** Rotation in degrees. */
  degrees: number;
  /** Shift of the centre, as a share of the image's sides. */
  translate: number;
  /** Of the factor around 1. */
  scale: number;
  /** Angle in degrees by which each axis leans. */
  shear: number;
}

/** What YOLOv5 trains from scratch with. */
export const YOLOV5_AFFINE: AffineRanges = { degrees: 0, translate: 0.1, scale: 0.5, shear: 0 };

/** An image on the canvas. */
export interface Tile {
  /** Which of the images. */
  image: number;
  /** It is brought to this size first. */
  resized: Size;
  /** The part of it that is on the canvas, in pixels after resizing. */
  source: Rectangle;
  /** Where that part's upper left corner lies on the canvas. */
  left: number;
  top: number;
  /** A point (x, y) of the original lies at (scaleX x + shiftX, scaleY y + shiftY) on the canvas. */
  scaleX: number;
  scaleY: number;
  shiftX: number;
  shiftY: number;
}

export interface SamplePlan {
  /** Grey where no tile lies. */
  canvas: Size;
  tiles: Tile[];
  /** From the canvas to the output; null: the canvas is the output. */
  affine: Affine | null;
  /** Factor of the affine map's size, against which boxes are judged afterwards. */
  affineScale: number;
  output: Size;
  /** Left and right change places in the end. */
  flip: boolean;
}

export interface SampleOptions {
  /** Side of the output in pixels. */
  size: number;
  /** How many images there are. */
  count: number;
  /** Of the original with that index. */
  sizeOf(image: number): Size;
  /** Four images on one canvas, or one. */
  mosaic: boolean;
  /** null: no affine map but the cut of the canvas' middle, and no flip. */
  affine: AffineRanges | null;
  /** Share of the images that are flipped. Default 0.5. */
  flip?: number;
}

/**
 * Draws how image `index` is shown: in a mosaic with three others, and through an affine map. It depends on `random` alone, so that a
 * seed of run, epoch and index (`mixSeeds`) gives the same plan on every machine.
 */
export function planSample(index: number, options: SampleOptions, random: Random): SamplePlan {
  const { size, mosaic, affine, flip = 0.5 } = options;
  const { canvas, tiles } = mosaic ? mosaicOf(index, options, random) : letterboxOf(index, options);
  const output = { width: size, height: size };
  const ranges = affine ?? (mosaic ? { degrees: 0, translate: 0, scale: 0, shear: 0 } : null);
  const drawn = ranges ? drawAffine(canvas, output, ranges, random) : { affine: null, scale: 1 };
  return {
    canvas,
    tiles,
    affine: drawn.affine,
    affineScale: drawn.scale,
    output,
    flip: affine !== null && random.uniform(0, 1) < flip,
  };
}

/** Four images that meet at a point in the middle half of a canvas of twice the side, each with its longer side at full size. */
function mosaicOf(index: number, { size, count, sizeOf }: SampleOptions, random: Random) {
  const side = 2 * size;
  const middle = (): number => Math.floor(random.uniform(size / 2, (3 * size) / 2));
  const [x, y] = [middle(), middle()];
  const images = [index, random.integer(count), random.integer(count), random.integer(count)];
  const tiles = images.map((image, corner): Tile => {
    const original = sizeOf(image);
    const resized = fitLongSide(original, size);
    const across = corner % 2 === 0 ? before(x, resized.width) : after(x, resized.width, side);
    const down = corner < 2 ? before(y, resized.height) : after(y, resized.height, side);
    return {
      image,
      resized,
      source: { left: across.source, top: down.source, width: across.length, height: down.length },
      left: across.at,
      top: down.at,
      scaleX: resized.width / original.width,
      scaleY: resized.height / original.height,
      shiftX: across.at - across.source,
      shiftY: down.at - down.source,
    };
  });
  return { canvas: { width: side, height: side }, tiles };
}

/** What of a length fits between 0 and the meeting point, ending there. */
function before(point: number, length: number) {
  const at = Math.max(point - length, 0);
  return { at, length: point - at, source: length - (point - at) };
}

/** What of a length fits between the meeting point and the canvas' edge, beginning there. */
const after = (point: number, length: number, side: number) => ({
  at: point,
  length: Math.min(length, side - point),
  source: 0,
});

function fitLongSide({ width, height }: Size, size: number): Size {
  const ratio = size / Math.max(width, height);
  const scaled = (length: number): number => Math.max(1, Math.floor(length * ratio));
  return { width: scaled(width), height: scaled(height) };
}

function letterboxOf(index: number, { size, sizeOf }: SampleOptions) {
  const { resized, canvas, left, top, ratioX, ratioY, padding } = letterboxGeometry(sizeOf(index), size, {
    auto: false,
  });
  const tile: Tile = {
    image: index,
    resized,
    source: { left: 0, top: 0, ...resized },
    left,
    top,
    scaleX: ratioX,
    scaleY: ratioY,
    shiftX: padding.x,
    shiftY: padding.y,
  };
  return { canvas, tiles: [tile] };
}

/** Around the centre of the canvas: turned and scaled, leaned, moved to about the centre of the output. */
function drawAffine(canvas: Size, output: Size, { degrees, translate, scale, shear }: AffineRanges, random: Random) {
  const within = (range: number): number => random.uniform(-range, range);
  const radians = (angle: number): number => (angle * Math.PI) / 180;
  const angle = radians(within(degrees));
  const factor = 1 + within(scale);
  const [leanX, leanY] = [Math.tan(radians(within(shear))), Math.tan(radians(within(shear)))];
  const [centreX, centreY] = [(0.5 + within(translate)) * output.width, (0.5 + within(translate)) * output.height];
  const [cos, sin] = [factor * Math.cos(angle), factor * Math.sin(angle)];
  const steps: Affine[] = [
    [1, 0, -canvas.width / 2, 0, 1, -canvas.height / 2],
    // Counterclockwise on the screen, whose y points down.
    [cos, sin, 0, -sin, cos, 0],
    [1, leanX, 0, leanY, 1, 0],
    [1, 0, centreX, 0, 1, centreY],
  ];
  return { affine: steps.reduce((all, step) => then(all, step)), scale: factor };
}

/** `first`, and `second` of what comes out. */
function then([a, b, c, d, e, f]: Affine, [p, q, r, s, t, u]: Affine): Affine {
  return [p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u];
}
