/** The region proposal network: where could objects be? Ren et al. 2015, https://arxiv.org/abs/1506.01497. */
import { cat, nn, noGrad, ops, type Tensor, tidy, zeros } from '@fovea/torch';
import { batchedNms, boxIou, clipBoxes, largeBoxes } from '../ops/index.ts';
import type { Size } from '../transforms/index.ts';
import { type AnchorShapes, anchorsOf, anchorsPerCell, gridOf } from './anchors.ts';
import { type BoxWeights, decodeBoxes, encodeBoxes } from './box-coder.ts';
import type { ImageBatch } from './detection-transform.ts';
import { BETWEEN_THRESHOLDS, matchBoxes } from './matcher.ts';
import { type Sample, sampleBalanced } from './sampler.ts';
import type { DetectionLosses, DetectionTarget } from './targets.ts';

const WEIGHTS: BoxWeights = [1, 1, 1, 1];
/** Where the loss of a coordinate turns from a square into a line. */
const BETA = 1 / 9;
/** Proposals with a side below this, in pixels, are dropped. */
const LEAST_SIDE = 1e-3;

export interface ProposalOptions {
  /** So many of each level are looked at, the most probable ones. */
  preNmsTopN: number;
  /** So many are left for each image. */
  postNmsTopN: number;
}

export interface RegionProposalOptions {
  anchors: AnchorShapes;
  fgIouThresh: number;
  bgIouThresh: number;
  batchSizePerImage: number;
  positiveFraction: number;
  nmsThresh: number;
  scoreThresh: number;
  training: ProposalOptions;
  evaluation: ProposalOptions;
}

/** What the head says of every anchor of a batch. */
export interface AnchorScores {
  /** Logits, `[N, A]`. */
  objectness: Tensor;
  /** Codes of the boxes, `[N, A, 4]`. */
  deltas: Tensor;
  /** Anchors of each level; their sum is A. */
  perLevel: number[];
}

/** Objectness `[N, a, H, W]` and box codes `[N, 4a, H, W]` of each level, for a anchors per cell. */
export class RegionProposalHead extends nn.Module<
  [features: readonly Tensor[]],
  [objectness: Tensor, deltas: Tensor][]
> {
  conv;
  cls_logits;
  bbox_pred;

  constructor(channels: number, anchors: number) {
    super();
    const convolution = new nn.Conv2d(channels, channels, 3, { padding: 1 });
    this.conv = new nn.Sequential(new nn.Sequential(convolution, new nn.ReLU({ inplace: true })));
    this.cls_logits = new nn.Conv2d(channels, anchors, 1);
    this.bbox_pred = new nn.Conv2d(channels, anchors * 4, 1);
    for (const layer of [convolution, this.cls_logits, this.bbox_pred]) {
      nn.init.normal_(layer.weight, 0, 0.01);
      if (layer.bias) nn.init.zeros_(layer.bias);
    }
  }

  forward(features: readonly Tensor[]): [Tensor, Tensor][] {
    return features.map((level) =>
      tidy(() => {
        const x = this.conv.forward(level);
        return [this.cls_logits.forward(x), this.bbox_pred.forward(x)];
      }),
    );
  }
}

/** `[N, a · c, H, W]` → `[N, H · W · a, c]`: what belongs to one anchor stands together, in the order of the anchors. */
export function perAnchor(x: Tensor, values: number): Tensor {
  const [images, channels, height, width] = x.shape;
  return x
    .view([images, channels / values, values, height, width])
    .permute([0, 3, 4, 1, 2])
    .reshape([images, -1, values]);
}

interface Proposed {
  /** For each image its proposals, best first, `[P, 4]` corners in pixels. They carry no gradient. */
  proposals: Tensor[];
  /** In [0, 1], `[P]`. */
  scores: Tensor[];
}

export class RegionProposalNetwork extends nn.Module<
  [batch: ImageBatch, features: readonly Tensor[], targets?: readonly DetectionTarget[]],
  Proposed & { losses: DetectionLosses }
> {
  head;
  readonly #options: RegionProposalOptions;

  constructor(channels: number, options: RegionProposalOptions) {
    super();
    this.head = new RegionProposalHead(channels, anchorsPerCell(options.anchors));
    this.#options = options;
  }

  /** What decides about proposals in evaluation, for those who compute them elsewhere. */
  get inference() {
    const { anchors, nmsThresh, scoreThresh, evaluation } = this.#options;
    return { anchors, nmsThresh, scoreThresh, ...evaluation, weights: WEIGHTS, leastSide: LEAST_SIDE };
  }

  /** With targets the proposals are those for training, and there are losses. */
  forward(
    batch: ImageBatch,
    features: readonly Tensor[],
    targets?: readonly DetectionTarget[],
  ): Proposed & { losses: DetectionLosses } {
    return tidy(() => {
      const anchors = this.anchors(batch, features);
      const scores = flattened(this.head.forward(features));
      const { training, evaluation } = this.#options;
      const proposed = this.propose(scores, anchors, batch.sizes, targets ? training : evaluation);
      return { ...proposed, losses: targets ? this.losses(scores, anchors, targets) : {} };
    });
  }

  /** The same for every image, `[A, 4]`. */
  anchors({ tensor }: ImageBatch, features: readonly Tensor[]): Tensor {
    const padded = { height: tensor.size(2), width: tensor.size(3) };
    return anchorsOf(this.#options.anchors, padded, features.map(gridOf), tensor.device);
  }

  /** The best anchors, moved as the head says, without those that a better one covers. */
  propose(
    { objectness, deltas, perLevel }: AnchorScores,
    anchors: Tensor,
    sizes: readonly Size[],
    { preNmsTopN, postNmsTopN }: ProposalOptions,
  ): Proposed {
    const { nmsThresh, scoreThresh } = this.#options;
    const ofImage = (size: Size, image: number): [Tensor, Tensor] => {
      const logits = objectness.select(0, image);
      const best = bestOfLevels(logits, perLevel, preNmsTopN);
      const codes = deltas.select(0, image).indexSelect(0, best.anchors);
      let boxes = clipBoxes(decodeBoxes(codes, anchors.indexSelect(0, best.anchors), WEIGHTS), size);
      let scores = logits.indexSelect(0, best.anchors).sigmoid();
      const isGood = scores.ge(scoreThresh);
      const large = largeBoxes(boxes, LEAST_SIDE);
      const kept = large.indexSelect(0, ops.nonzero(isGood.indexSelect(0, large)).squeeze(1));
      [boxes, scores] = [boxes.indexSelect(0, kept), scores.indexSelect(0, kept)];
      const levels = best.levels.indexSelect(0, kept);
      const left = batchedNms(boxes, scores, levels, nmsThresh).slice(0, 0, postNmsTopN);
      return [boxes.indexSelect(0, left), scores.indexSelect(0, left)];
    };
    return noGrad(() => {
      const found = sizes.map((size, image) => tidy(() => ofImage(size, image)));
      return { proposals: found.map(([boxes]) => boxes), scores: found.map(([, scores]) => scores) };
    });
  }

  /** For each anchor the true box it is to find, int64 `[A]`, or a code below 0 as in the matcher. */
  assign(anchors: Tensor, { boxes }: DetectionTarget): Tensor {
    const { fgIouThresh: high, bgIouThresh: low } = this.#options;
    if (boxes.size(0) === 0) return zeros([anchors.size(0)], { dtype: 'int64', device: anchors.device }).sub(1);
    return tidy(() => matchBoxes(boxIou(boxes, anchors), { high, low, allowLowQualityMatches: true }));
  }

  /** `objectness`: is it an object, over the sampled anchors; `rpnBoxRegression`: where is it, over the positive ones. */
  losses({ objectness, deltas }: AnchorScores, anchors: Tensor, targets: readonly DetectionTarget[]): DetectionLosses {
    const { batchSizePerImage: sizePerImage, positiveFraction } = this.#options;
    const samples = noGrad(() =>
      targets.map((target) =>
        tidy(() => {
          const matches = this.assign(anchors, target);
          // 1 positive, 0 negative, −1 neither.
          const labels = matches.ge(0).float().sub(matches.eq(BETWEEN_THRESHOLDS).float());
          const sample = sampleBalanced(labels, { sizePerImage, positiveFraction });
          return { ...sample, codes: targetCodes(anchors, target.boxes, matches, sample) };
        }),
      ),
    );
    const logits = (part: keyof Sample): Tensor =>
      cat(samples.map((sample, image) => objectness.select(0, image).indexSelect(0, sample[part])));
    const [positive, negative] = [logits('positive'), logits('negative')];
    const found = cat(samples.map((sample, image) => deltas.select(0, image).indexSelect(0, sample.positive)));
    const codes = cat(samples.map((sample) => sample.codes));
    const isObject = cat([ops.onesLike(positive), ops.zerosLike(negative)]);
    const sampled = positive.size(0) + negative.size(0);
    return {
      objectness: nn.functional.binaryCrossEntropyWithLogits(cat([positive, negative]), isObject),
      rpnBoxRegression: nn.functional.smoothL1Loss(found, codes, { beta: BETA, reduction: 'sum' }).div(sampled),
    };
  }
}

/** What the head should say of the sampled positive anchors, `[P, 4]`. */
function targetCodes(anchors: Tensor, boxes: Tensor, matches: Tensor, { positive }: Sample): Tensor {
  if (boxes.size(0) === 0) return zeros([0, 4], { device: anchors.device });
  const truths = boxes.indexSelect(0, matches.indexSelect(0, positive));
  return encodeBoxes(truths, anchors.indexSelect(0, positive), WEIGHTS);
}

/** The head's answers by anchor, in float32 whatever it computed in. */
export function flattened(perLevel: readonly [objectness: Tensor, deltas: Tensor][]): AnchorScores {
  const objectness = perLevel.map(([logits]) => perAnchor(logits, 1).squeeze(2));
  return {
    objectness: cat(objectness, 1).float(),
    deltas: cat(
      perLevel.map(([, deltas]) => perAnchor(deltas, 4)),
      1,
    ).float(),
    perLevel: objectness.map((level) => level.size(1)),
  };
}

/** Of each level the anchors with the highest logits: their indices and levels, int64 `[B]` each. */
function bestOfLevels(logits: Tensor, perLevel: readonly number[], count: number): { anchors: Tensor; levels: Tensor } {
  let first = 0;
  const best = ops.splitWithSizes(logits, perLevel).map((level, index) => {
    const [, indices] = level.topk(Math.min(count, perLevel[index]));
    const anchors = indices.add(first);
    first += perLevel[index];
    return { anchors, levels: ops.fullLike(indices, index) };
  });
  return { anchors: cat(best.map(({ anchors }) => anchors)), levels: cat(best.map(({ levels }) => levels)) };
}
