/** Faster R-CNN and RetinaNet as job files name them. */
import { nn, noGrad, ops, type Tensor, tidy } from '@fovea/torch';
import {
  type DetectorFit,
  type DetectorInput,
  type DetectorSettings,
  detector,
  type InArithmetic,
  type ObjectDetector,
} from '../detector-registry.ts';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import type { ResNetName } from '../models/resnet.ts';
import { torchvision } from '../weights/source.ts';
import type { Detector } from './detector.ts';
import { fasterRcnn } from './faster-rcnn.ts';
import { type RetinaNet, retinaNet } from './retinanet.ts';
import { checkAreas, type DetectionLosses, type Detections, type DetectionTarget } from './targets.ts';

/** Batches are padded to multiples of the coarsest stride. */
const STRIDE = 32;

/** What a detector of torchvision's kind is to training. */
export class RegionDetector implements ObjectDetector {
  readonly network: Detector;
  readonly fit: DetectorFit;
  readonly normalisation = { mean: IMAGENET_MEAN, std: IMAGENET_STD };
  readonly minimisesSum = false;
  readonly averagesWeights = false;
  readonly decaysWeightsOnly = false;
  readonly firstLabel: number;

  constructor(network: Detector, { minSize = 600, maxSize = 1333 }: DetectorSettings, firstLabel: number) {
    this.network = network;
    this.fit = { kind: 'within', minSize, maxSize, stride: STRIDE };
    this.firstLabel = firstLabel;
  }

  losses(input: DetectorInput, targets: readonly DetectionTarget[], inArithmetic: InArithmetic): DetectionLosses {
    checkAreas(targets);
    return tidy(() => {
      const batch = this.#batch(input);
      const labelled = targets.map((target) => ({ ...target, labels: ops.addScalar(target.labels, this.firstLabel) }));
      // The heads give float32, so that boxes and losses are computed in it whatever the arithmetic.
      let names: string[] = [];
      const terms = inArithmetic(() => {
        const losses = this.network.lossesOf(batch, this.network.backbone.forward(batch.tensor), labelled);
        names = Object.keys(losses);
        return Object.values(losses);
      });
      return Object.fromEntries(names.map((name, i) => [name, terms[i]]));
    });
  }

  detect(input: DetectorInput): Detections[] {
    return noGrad(() =>
      tidy(() => {
        const batch = this.#batch(input);
        const found = this.network.detectionsIn(batch, this.network.backbone.forward(batch.tensor));
        return found.map((detections) => ({ ...detections, labels: detections.labels.sub(this.firstLabel) }));
      }),
    );
  }

  /** What is no image becomes zero, as in torchvision. */
  #batch({ images, sizes }: DetectorInput): { tensor: Tensor; sizes: { height: number; width: number }[] } {
    const [, , height, width] = images.shape;
    for (const [i, size] of sizes.entries()) {
      const image = images.select(0, i);
      if (size.height < height) image.narrow(1, size.height, height - size.height).zero_();
      if (size.width < width) image.narrow(2, size.width, width - size.width).zero_();
    }
    return { tensor: images, sizes: [...sizes] };
  }
}

export const RESNET_STAGES = [
  ['backbone.body.conv1.', 'backbone.body.bn1.'],
  'backbone.body.layer1.',
  'backbone.body.layer2.',
  'backbone.body.layer3.',
  'backbone.body.layer4.',
];

/** torchvision's weights for COCO tell apart the background and 90 classes, ten of which have no example. */
export const COCO = { licence: 'BSD-3-Clause', classes: 91 };

const common = ({ minSize, maxSize, learnsNormalisation }: DetectorSettings) => ({
  ...(minSize !== undefined && { minSize }),
  ...(maxSize !== undefined && { maxSize }),
  normalisation: learnsNormalisation ? ('batch' as const) : ('frozen' as const),
  // What is frozen is the job's choice.
  trainableLayers: 5,
});

/** The documented `min_size`: from here on, as many regions of an image are looked at as in torchvision. */
const FULL_SIZE = 600;

/**
 * How many regions of an image Faster R-CNN looks at. Small images have fewer that differ: with 512 of them, nine tenths of a training
 * step on images of 128 pixels went into the second stage, and next to none of its examples was an object. Fast R-CNN itself learned
 * from 64 regions of an image (Girshick 2015, section 2.3, https://arxiv.org/abs/1504.08083), and Faster R-CNN judged 300 of them
 * (Ren et al. 2015, table 8, https://arxiv.org/abs/1506.01497); these are the fewest here, torchvision's 512 and 1000 the most.
 */
export function regionsOf({ minSize = FULL_SIZE }: Pick<DetectorSettings, 'minSize'>) {
  const share = Math.min(1, (minSize / FULL_SIZE) ** 2);
  return {
    boxBatchSizePerImage: Math.max(64, Math.round(512 * share)),
    rpnPostNmsTopNTest: Math.max(300, Math.round(1000 * share)),
  };
}

/** What the settings of a job are to Faster R-CNN, and to Mask R-CNN. */
export const rcnnOptions = (settings: DetectorSettings) => ({
  // With the background.
  classes: settings.classes + 1,
  ...common(settings),
  ...regionsOf(settings),
  boxScoreThresh: settings.scoreThreshold,
  boxNmsThresh: settings.nmsIouThreshold,
  boxDetectionsPerImg: settings.detectionsPerImage ?? 100,
});

for (const depth of [18, 34, 50, 101, 152] as const) {
  const backbone: ResNetName = `resnet${depth}`;
  detector({
    name: `fasterrcnn_${backbone}_fpn`,
    paper: 'https://arxiv.org/abs/1506.01497',
    build: (settings) => {
      const network = fasterRcnn({ backbone, ...rcnnOptions(settings) });
      return new RegionDetector(network, settings, 1);
    },
    weightsOf: () => (depth === 50 ? torchvision('fasterrcnn_resnet50_fpn_coco-258fb6c6.pth', COCO) : null),
    backbone: { classifier: backbone, prefix: 'backbone.body.' },
    head: 'roi_heads.box_predictor.',
    freeze: RESNET_STAGES,
  });
}

/**
 * Trunks of RetinaNet's head that hand on what they get (He et al. 2015). Its own begin with a deviation of 0.01, which after a backbone
 * that knows images does no harm; four of those in a row leave a hundredth of features that are random, too. On drawn shapes mAP was
 * 0.34 with these after 72 updates and 0.90 after 216, and 0.03 and 0.47 without.
 */
function handOn({ head }: RetinaNet): void {
  for (const { conv } of [head.classification_head, head.regression_head]) {
    for (const layer of conv.namedModules().values())
      if (layer instanceof nn.Conv2d) nn.init.kaimingNormal_(layer.weight, { nonlinearity: 'relu' });
  }
}

detector({
  name: 'retinanet_resnet50_fpn',
  paper: 'https://arxiv.org/abs/1708.02002',
  build: (settings) => {
    const network = retinaNet({
      backbone: 'resnet50',
      classes: settings.classes,
      ...common(settings),
      scoreThresh: settings.scoreThreshold,
      nmsThresh: settings.nmsIouThreshold,
      detectionsPerImg: settings.detectionsPerImage ?? 100,
    });
    if (settings.learnsNormalisation) handOn(network);
    return new RegionDetector(network, settings, 0);
  },
  weightsOf: () => torchvision('retinanet_resnet50_fpn_coco-eeacb38b.pth', COCO),
  backbone: { classifier: 'resnet50', prefix: 'backbone.body.' },
  head: 'head.classification_head.cls_logits.',
  freeze: RESNET_STAGES,
});
