// What training images of YOLOv5 are made with: no engine is loaded by importing it, so that data workers can.
export {
  boxesInSample,
  type OriginalBoxes,
  type Outline,
  type SampleBoxes,
  yolov5Targets,
} from './augment-boxes.ts';
export { type OriginalImage, pixelsOfSample } from './augment-pixels.ts';
export {
  type Affine,
  type AffineRanges,
  planSample,
  type SampleOptions,
  type SamplePlan,
  type Tile,
  YOLOV5_AFFINE,
} from './augment-plan.ts';
export { warpAffine } from './warp-affine.ts';
