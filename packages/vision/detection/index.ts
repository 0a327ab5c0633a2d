export { type AnchorShapes, anchorsOf, anchorsPerCell, cellAnchors, gridOf } from './anchors.ts';
export {
  type BoxedImage,
  type DetectionSample,
  multiScaleSize,
  rcnnTrainingSample,
  rcnnValidationSample,
  type YoloV5SampleOptions,
  yolov5TrainingSample,
  yolov5ValidationSample,
} from './augment.ts';
export { type BoxWeights, decodeBoxes, encodeBoxes, LARGEST_STRETCH } from './box-coder.ts';
export { boxedImage } from './boxed-image.ts';
export { DetectionTransform, type DetectionTransformOptions, type ImageBatch } from './detection-transform.ts';
export { Detector } from './detector.ts';
export { regionsOf } from './entries.ts';
export { FasterRcnn, type FasterRcnnOptions, fasterRcnn, pooledLevels } from './faster-rcnn.ts';
export { FeaturePyramid, LastLevelMaxPool, LastLevelP6P7 } from './feature-pyramid.ts';
export { FrozenBatchNorm2d } from './frozen-batch-norm.ts';
export { partsOf } from './image-parts.ts';
export { masksOnImage } from './mask-pasting.ts';
export { MaskRcnn, maskRcnn } from './mask-rcnn.ts';
export { MaskRoiHeads } from './mask-roi-heads.ts';
export { cropMasks } from './mask-targets.ts';
export { BELOW_LOW_THRESHOLD, BETWEEN_THRESHOLDS, type MatcherOptions, matchBoxes } from './matcher.ts';
export { outlineMasks } from './outline-masks.ts';
export { flattened } from './region-proposals.ts';
export { detectionSize } from './resized-size.ts';
export { ResNetFpn, type ResNetFpnOptions } from './resnet-fpn.ts';
export { RetinaNet, type RetinaNetOptions, retinaNet } from './retinanet.ts';
export { type SamplerOptions, sampleBalanced } from './sampler.ts';
export type { DetectionLosses, Detections, DetectionTarget } from './targets.ts';
