export { YOLOV5_ANCHORS, YOLOV5_STRIDES, type YoloV5Anchors } from './detect.ts';
export { yolov5Detections } from './detections.ts';
export {
  scaleYoloV5Gains,
  YOLOV5_GAINS,
  type YoloV5Gains,
  type YoloV5Loss,
  type YoloV5LossSettings,
  yolov5Loss,
} from './loss.ts';
export {
  YOLOV5_SIZES,
  YOLOV5_VERSIONS,
  YoloV5,
  type YoloV5Options,
  type YoloV5Size,
  type YoloV5Version,
  yolov5,
} from './network.ts';
export { boxesOnOriginal, type Placement } from './original-boxes.ts';
export { recogniseYoloV5 } from './recognise.ts';
