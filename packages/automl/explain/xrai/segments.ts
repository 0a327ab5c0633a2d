import { dilate } from './dilate.ts';
import type { Plane } from './gaussian-blur.ts';
import { type SegmentationOptions, segmentByGraph } from './graph-segmentation.ts';
import { range, resizeCubic, resizeLabels } from './resize.ts';

const WORKING_SIZE = { width: 224, height: 224 };
const DILATION_RADIUS = 5;
/** The settings of XRAI's published program: https://github.com/PAIR-code/saliency. */
const SETTINGS: readonly SegmentationOptions[] = [50, 100, 150, 250, 500, 1200].map((scale) => ({
  scale,
  sigma: 0.8,
  minSize: 150,
}));

/** The pixels of a segment, ascending. */
export type Segment = Int32Array;

export interface SegmentOptions {
  /** The size they are found at; null: the picture's own. */
  workingSize?: { readonly width: number; readonly height: number } | null;
  settings?: readonly SegmentationOptions[];
  dilationRadius?: number;
}

/**
 * Segments of a picture at six scales from fine to coarse, each grown by five pixels so that they take in edges: section 3.1 of
 * the paper (Kapishnikov et al. 2019, https://arxiv.org/abs/1906.02825).
 *
 * @param image in any range of values
 */
export function findSegments(image: Plane, options: SegmentOptions = {}): Segment[] {
  const { width, height } = image;
  const { dilationRadius = DILATION_RADIUS } = options;
  const segments = segmentLabels(image, options).flatMap(({ atImageSize }) => segmentsOf(atImageSize));
  return segments.map((pixels) => pixelsOf(dilate(maskOf(pixels, width * height), width, height, dilationRadius)));
}

/** Of each settings the label of each pixel. */
export function segmentLabels(
  image: Plane,
  { workingSize = WORKING_SIZE, settings = SETTINGS }: SegmentOptions = {},
): { atWorkingSize: Int32Array; atImageSize: Int32Array }[] {
  const working = workingSize ? resizeCubic(spread(image), workingSize) : spread(image);
  return segmentByGraph(working, settings).map((labels) => ({
    atWorkingSize: labels,
    atImageSize: workingSize ? resizeLabels(labels, workingSize, image) : labels,
  }));
}

/** Values spread linearly over −1 … 1; a picture of one colour becomes 0. */
export function spread(image: Plane): Plane {
  const [lowest, highest] = range(image.values);
  const length = highest - lowest || 1;
  return { ...image, values: image.values.map((value) => ((value - lowest) / length - 0.5) * 2) };
}

/** The pixels of each label from the smallest to the largest, none for one that no pixel has. */
function segmentsOf(labels: Int32Array): Segment[] {
  const lowest = labels.reduce((a, b) => Math.min(a, b));
  const highest = labels.reduce((a, b) => Math.max(a, b));
  const pixels = Array.from({ length: highest - lowest + 1 }, (): number[] => []);
  for (const [pixel, label] of labels.entries()) pixels[label - lowest].push(pixel);
  return pixels.map((each) => Int32Array.from(each));
}

/** 1 for each pixel of the segment. */
export function maskOf(pixels: Segment, area: number): Uint8Array {
  const mask = new Uint8Array(area);
  for (const pixel of pixels) mask[pixel] = 1;
  return mask;
}

/** The pixels of a mask, ascending. */
export function pixelsOf(mask: Uint8Array): Segment {
  const pixels = new Int32Array(mask.reduce((count, inside) => count + inside, 0));
  let count = 0;
  for (const [pixel, inside] of mask.entries()) if (inside) pixels[count++] = pixel;
  return pixels;
}
