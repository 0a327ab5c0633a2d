import type { Tensor } from '@fovea/torch';
import type { PlainDetections } from '../transforms/non-max-suppression.ts';
import { type YoloDetectionOptions, yoloDetections } from '../transforms/yolo-detections.ts';
import { BOX_CHANNELS } from './detect.ts';

/**
 * Detections among the decoded outputs of YOLOv5: those of `yoloDetections`, image by image.
 *
 * @param decoded `[N, boxes, 5 + classes]`: centre x, y, width, height in pixels, objectness, class probabilities
 * @throws RangeError for a threshold outside of [0, 1]
 */
export function yolov5Detections(decoded: Tensor, options: YoloDetectionOptions): PlainDetections[] {
  const [images, boxes, channels] = decoded.shape;
  const all = decoded.float().cpu().contiguous().data() as Float32Array;
  const ofOne = boxes * channels;
  return Array.from({ length: images }, (_, i) =>
    yoloDetections(all.subarray(i * ofOne, (i + 1) * ofOne), channels - BOX_CHANNELS, options),
  );
}
