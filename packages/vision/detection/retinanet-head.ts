import { cat, nn, ops, type Tensor, tidy } from '@fovea/torch';
import type { BoxWeights } from './box-coder.ts';
import { encodeBoxes } from './box-coder.ts';
import { BETWEEN_THRESHOLDS } from './matcher.ts';
import { perAnchor } from './region-proposals.ts';
import type { DetectionLosses, DetectionTarget } from './targets.ts';

export const RETINANET_WEIGHTS: BoxWeights = [1, 1, 1, 1];
/** What the classifier says of everything at first, so that the many negatives do not swamp the first steps. Section 4.1. */
const PRIOR = 0.01;
/** Weight of positives, and how strongly easy examples are played down. Table 1b. */
const [ALPHA, GAMMA] = [0.25, 2];

/** What the head says of every anchor of a batch. */
export interface RetinaNetOutput {
  /** `[N, A, classes]` */
  logits: Tensor;
  /** Codes of the boxes, `[N, A, 4]`. */
  codes: Tensor;
}

/** Four convolutions with ReLU: the trunk of either branch. */
class Trunk extends nn.Sequential {
  constructor(channels: number) {
    const layer = (): nn.Sequential =>
      new nn.Sequential(new nn.Conv2d(channels, channels, 3, { padding: 1 }), new nn.ReLU({ inplace: true }));
    super(layer(), layer(), layer(), layer());
  }
}

/** Weights of the convolutions below a module as RetinaNet begins: normal with deviation 0.01, biases 0. */
function initialise(module: Pick<nn.AnyModule, 'namedModules'>): void {
  for (const layer of module.namedModules().values()) {
    if (!(layer instanceof nn.Conv2d)) continue;
    nn.init.normal_(layer.weight, 0, 0.01);
    if (layer.bias) nn.init.zeros_(layer.bias);
  }
}

class ClassificationBranch extends nn.Module<[readonly Tensor[]]> {
  conv;
  cls_logits;
  readonly #classes: number;

  constructor(channels: number, anchors: number, classes: number) {
    super();
    this.conv = new Trunk(channels);
    initialise(this.conv);
    this.cls_logits = new nn.Conv2d(channels, anchors * classes, 3, { padding: 1 });
    initialise(this.cls_logits);
    if (this.cls_logits.bias) nn.init.constant_(this.cls_logits.bias, -Math.log((1 - PRIOR) / PRIOR));
    this.#classes = classes;
  }

  forward(features: readonly Tensor[]): Tensor {
    const ofLevel = (level: Tensor): Tensor =>
      perAnchor(this.cls_logits.forward(this.conv.forward(level)), this.#classes);
    return tidy(() =>
      cat(
        features.map((level) => tidy(() => ofLevel(level))),
        1,
      ).float(),
    );
  }
}

class RegressionBranch extends nn.Module<[readonly Tensor[]]> {
  conv;
  bbox_reg;

  constructor(channels: number, anchors: number) {
    super();
    this.conv = new Trunk(channels);
    this.bbox_reg = new nn.Conv2d(channels, anchors * 4, 3, { padding: 1 });
    initialise(this.bbox_reg);
    initialise(this.conv);
  }

  forward(features: readonly Tensor[]): Tensor {
    const ofLevel = (level: Tensor): Tensor => perAnchor(this.bbox_reg.forward(this.conv.forward(level)), 4);
    return tidy(() =>
      cat(
        features.map((level) => tidy(() => ofLevel(level))),
        1,
      ).float(),
    );
  }
}

/** Levels of the pyramid `[N, C, H_i, W_i]` → logits and box codes of all anchors. */
export class RetinaNetHead extends nn.Module<[features: readonly Tensor[]], RetinaNetOutput> {
  classification_head;
  regression_head;

  constructor(channels: number, anchors: number, classes: number) {
    super();
    this.classification_head = new ClassificationBranch(channels, anchors, classes);
    this.regression_head = new RegressionBranch(channels, anchors);
  }

  forward(features: readonly Tensor[]): RetinaNetOutput {
    return { logits: this.classification_head.forward(features), codes: this.regression_head.forward(features) };
  }
}

/**
 * `classification`: focal loss of every anchor that counts; `boxRegression`: absolute differences of the codes of positive ones.
 * Both are divided by the image's number of positive anchors, then averaged over the images.
 *
 * @param anchors `[A, 4]`
 * @param matches for each image what the matcher says of the anchors
 */
export function retinaNetLosses(
  { logits, codes }: RetinaNetOutput,
  anchors: Tensor,
  targets: readonly DetectionTarget[],
  matches: readonly Tensor[],
): DetectionLosses {
  return tidy(() => {
    const ofAnchors = negativeFocalLoss(logits).sum(2);
    const terms = targets.map(({ boxes, labels }, image) => {
      const matched = matches[image];
      const positive = ops.nonzero(matched.ge(0)).squeeze(1);
      const truths = matched.indexSelect(0, positive);
      const counted = ops.nonzero(matched.ne(BETWEEN_THRESHOLDS)).squeeze(1);
      const share = 1 / (Math.max(1, positive.size(0)) * targets.length);
      // Every anchor as if it were negative for every class; then the true class of the positive ones is put right.
      const ofPositive = logits.select(0, image).index(positive, labels.indexSelect(0, truths));
      const correction = positiveFocalLoss(ofPositive).sub(negativeFocalLoss(ofPositive)).sum();
      const found = codes.select(0, image).indexSelect(0, positive);
      const wanted = encodeBoxes(boxes.indexSelect(0, truths), anchors.indexSelect(0, positive), RETINANET_WEIGHTS);
      return {
        classification: ofAnchors.select(0, image).indexSelect(0, counted).sum().add(correction).mul(share),
        boxRegression: nn.functional.l1Loss(found, wanted, { reduction: 'sum' }).mul(share),
      };
    });
    const total = (name: keyof (typeof terms)[number]): Tensor =>
      terms.map((term) => term[name]).reduce((sum, term) => sum.add(term));
    return { classification: total('classification'), boxRegression: total('boxRegression') };
  });
}

/** Of each logit when the class is absent: (1 − α) pᵞ · −log(1 − p). Eq. 5. */
function negativeFocalLoss(logits: Tensor): Tensor {
  return logits
    .sigmoid()
    .pow(GAMMA)
    .mul(ops.softplus(logits))
    .mul(1 - ALPHA);
}

/** Of each logit when the class is present: α (1 − p)ᵞ · −log p. */
function positiveFocalLoss(logits: Tensor): Tensor {
  const opposite = logits.neg();
  return opposite.sigmoid().pow(GAMMA).mul(ops.softplus(opposite)).mul(ALPHA);
}
