/** YOLOv5 as job files name it. */
import { cat, fromTypedArray, noGrad, ops, type Tensor, tidy, zeros } from '@fovea/torch';
import type { DetectionLosses, Detections, DetectionTarget } from '../detection/index.ts';
import {
  type DetectorFit,
  type DetectorInput,
  type DetectorSettings,
  detector,
  type InArithmetic,
  type ObjectDetector,
} from '../detector-registry.ts';
import { published } from '../weights/source.ts';
import { YOLOV5_STRIDES } from './detect.ts';
import { yolov5Detections } from './detections.ts';
import { scaleYoloV5Gains, YOLOV5_GAINS, type YoloV5Gains, yolov5Loss } from './loss.ts';
import { YOLOV5_SIZES, type YoloV5, type YoloV5Size, yolov5 } from './network.ts';

/** The network of 6.0 and all later versions. */
const VERSION = '6.2';

class YoloV5Detector implements ObjectDetector {
  readonly network: YoloV5;
  readonly fit: Extract<DetectorFit, { kind: 'letterbox' }>;
  /** Values 0 … 1 as they are. */
  readonly normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
  readonly minimisesSum = true;
  readonly averagesWeights = true;
  readonly decaysWeightsOnly = true;
  readonly firstLabel = 0;
  readonly #settings: DetectorSettings;
  /** By the size of the job's images also in batches that `multi_scale` makes larger or smaller, as in the original. */
  readonly #gains: YoloV5Gains;

  constructor(network: YoloV5, settings: DetectorSettings) {
    const stride = YOLOV5_STRIDES[YOLOV5_STRIDES.length - 1];
    this.network = network;
    this.fit = { kind: 'letterbox', size: Math.ceil((settings.imageSize ?? 640) / stride) * stride, stride };
    this.#settings = settings;
    this.#gains = scaleYoloV5Gains(YOLOV5_GAINS, { classes: settings.classes, imageSize: this.fit.size });
  }

  losses({ images }: DetectorInput, targets: readonly DetectionTarget[], inArithmetic: InArithmetic): DetectionLosses {
    return tidy(() => {
      const raw = inArithmetic(() => this.network.forward(images));
      const [, , height, width] = images.shape;
      const {
        box,
        objectness,
        classes: category,
      } = yolov5Loss(raw, targetRows(targets, width, height), {
        version: VERSION,
        anchors: this.network.anchors,
        gains: this.#gains,
      });
      return { box, objectness, classes: category };
    });
  }

  detect({ images }: DetectorInput): Detections[] {
    const { scoreThreshold, nmsIouThreshold: iouThreshold } = this.#settings;
    return noGrad(() =>
      tidy(() =>
        yolov5Detections(this.network.decode(this.network.forward(images)), {
          version: VERSION,
          scoreThreshold,
          iouThreshold,
        }).map(({ boxes, scores, labels }) => ({
          boxes: fromTypedArray(boxes, [scores.length, 4]),
          scores: fromTypedArray(scores, [scores.length]),
          labels: fromTypedArray(BigInt64Array.from(labels, BigInt), [scores.length]),
        })),
      ),
    );
  }
}

/** `[T, 6]`: image, class, centre x, y, width, height in shares of the image's sides. */
function targetRows(targets: readonly DetectionTarget[], width: number, height: number): Tensor {
  const { device } = targets[0].boxes;
  const sides = fromTypedArray(Float32Array.of(width, height), [1, 2]).to({ device });
  const rows = targets.map(({ boxes, labels }, image) => {
    const [low, high] = [boxes.slice(1, 0, 2), boxes.slice(1, 2, 4)];
    const number = ops.addScalar(zeros([boxes.size(0), 1], { device }), image);
    const shares = [low.add(high).div(2).div(sides), high.sub(low).div(sides)];
    return cat([number, labels.unsqueeze(1).float(), ...shares], 1);
  });
  return cat(rows);
}

const LETTERS: Readonly<Record<YoloV5Size, string>> = { small: 's', medium: 'm', large: 'l', extra_large: 'x' };

const sizeNamed = (name = 'medium'): YoloV5Size => {
  const size = YOLOV5_SIZES.find((one) => one === name);
  if (!size) throw new RangeError(`no YOLOv5 of size "${name}"; there are ${YOLOV5_SIZES.join(', ')}`);
  return size;
};

detector({
  name: 'yolov5',
  paper: 'https://github.com/ultralytics/yolov5',
  build: (settings) =>
    new YoloV5Detector(
      yolov5({ size: sizeNamed(settings.modelSize), version: VERSION, classes: settings.classes }),
      settings,
    ),
  weightsOf: ({ modelSize }) =>
    published(
      `https://github.com/ultralytics/yolov5/releases/download/v6.2/yolov5${LETTERS[sizeNamed(modelSize)]}.pt`,
      {
        page: 'https://github.com/ultralytics/yolov5/releases/tag/v6.2',
        licence: 'GPL-3.0',
        classes: 80,
      },
    ),
  backbone: null,
  head: 'model.24.m.',
  freeze: Array.from({ length: 10 }, (_, layer) => `model.${layer}.`),
});
