// What works on pixels and sizes alone: no engine is loaded by importing it, so that serving and data workers can.

export { detectionSize } from '../detection/resized-size.ts';
export * from '../yolov5/augment.ts';
export type { Augmentation } from './augment.ts';
export { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './colour-adjust.ts';
export {
  applyColourPlan,
  type ColourJitter,
  type ColourPlan,
  colourJitter,
  drawColourJitter,
} from './colour-jitter.ts';
export {
  type CentreCrop,
  centreCrop,
  type Rectangle,
  randomResizedCrop,
  resizeShortSide,
  type Size,
} from './geometry.ts';
export { type Letterbox, type LetterboxOptions, letterbox, letterboxGeometry } from './letterbox.ts';
export { mergeDetections, type PartDetections } from './merge-tiles.ts';
export { type PlainDetections, plainNonMaxSuppression, takeDetections } from './non-max-suppression.ts';
export { type Normalisation, normalisePixels } from './normalise.ts';
export { type PastedMask, pasteMask, pasteMasks } from './paste-masks.ts';
export { mixSeeds, type Random, torchRandom } from './random.ts';
export { readTileGrid, type TileGrid, tilesOf } from './tile-grid.ts';
export { MOST_YOLO_DETECTIONS, undoLetterbox, type YoloDetectionOptions, yoloDetections } from './yolo-detections.ts';

/** For the data loader: `new BatchLoader({augmentModule})`. */
export const augmentModule: URL = new URL('./augment.ts', import.meta.url);
