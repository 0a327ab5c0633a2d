/** What is in each proposal, and where exactly. Girshick 2015, https://arxiv.org/abs/1504.08083. */
import { cat, nn, noGrad, ops, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import { batchedNms, boxIou, clipBoxes, largeBoxes, pyramidRoiAlign } from '../ops/index.ts';
import type { Size } from '../transforms/index.ts';
import { type BoxWeights, decodeBoxes, encodeBoxes } from './box-coder.ts';
import { BETWEEN_THRESHOLDS, matchBoxes } from './matcher.ts';
import { sampleBalanced } from './sampler.ts';
import type { DetectionLosses, Detections, DetectionTarget } from './targets.ts';

/** Where the loss of a coordinate turns from a square into a line. */
const BETA = 1 / 9;
/** Detections with a side below this, in pixels, are dropped. */
const LEAST_SIDE = 1e-2;
const POOL = { size: [7, 7], samplingRatio: 2 } as const;
const REPRESENTATION = 1024;

export interface RoiHeadOptions {
  fgIouThresh: number;
  bgIouThresh: number;
  batchSizePerImage: number;
  positiveFraction: number;
  regressionWeights: BoxWeights;
  scoreThresh: number;
  nmsThresh: number;
  detectionsPerImg: number;
}

/** Two linear layers: `[R, C, h, w]` → `[R, 1024]`. */
class TwoLayerHead extends nn.Module {
  fc6;
  fc7;

  constructor(inFeatures: number) {
    super();
    this.fc6 = new nn.Linear(inFeatures, REPRESENTATION);
    this.fc7 = new nn.Linear(REPRESENTATION, REPRESENTATION);
  }

  forward(x: Tensor): Tensor {
    return this.fc7.forward(this.fc6.forward(x.flatten(1)).relu_()).relu_();
  }
}

/** Logits `[R, classes]` and for each class the code of a box, `[R, 4 · classes]`. */
class BoxPredictor extends nn.Module<[Tensor], [logits: Tensor, codes: Tensor]> {
  cls_score;
  bbox_pred;

  constructor(classes: number) {
    super();
    this.cls_score = new nn.Linear(REPRESENTATION, classes);
    this.bbox_pred = new nn.Linear(REPRESENTATION, classes * 4);
  }

  forward(x: Tensor): [Tensor, Tensor] {
    return [this.cls_score.forward(x), this.bbox_pred.forward(x)];
  }
}

/** Proposals of a batch, chosen for training. For each image: */
export interface RoiSamples {
  /** `[S, 4]` */
  proposals: Tensor[];
  /** int64 `[S]`; 0 is the background. */
  labels: Tensor[];
  /** The true box that each has to find, int64 `[S]`; of no meaning for the background. */
  matches: Tensor[];
  /** Codes of those boxes, `[S, 4]`. */
  codes: Tensor[];
}

export class RoiHeads extends nn.Module<
  [features: readonly Tensor[], proposals: readonly Tensor[], sizes: readonly Size[]],
  [logits: Tensor, codes: Tensor]
> {
  box_head;
  box_predictor;
  readonly #options: RoiHeadOptions;

  constructor(channels: number, classes: number, options: RoiHeadOptions) {
    super();
    this.box_head = new TwoLayerHead(channels * POOL.size[0] * POOL.size[1]);
    this.box_predictor = new BoxPredictor(classes);
    this.#options = options;
  }

  /** What decides about detections, for those who compute them elsewhere. */
  get inference() {
    const { scoreThresh, nmsThresh, detectionsPerImg, regressionWeights: weights } = this.#options;
    return { scoreThresh, nmsThresh, detectionsPerImg, weights, leastSide: LEAST_SIDE, pool: POOL };
  }

  /** Logits and box codes of all proposals, image after image. */
  forward(features: readonly Tensor[], proposals: readonly Tensor[], sizes: readonly Size[]): [Tensor, Tensor] {
    return tidy(() => {
      const pooled = poolRegions(features, proposals, sizes, POOL);
      const [logits, codes] = this.box_predictor.forward(this.box_head.forward(pooled));
      return [logits.float(), codes.float()];
    });
  }

  /** Detections in pixels of the resized images. */
  detect(features: readonly Tensor[], proposals: readonly Tensor[], sizes: readonly Size[]): Detections[] {
    return noGrad(() => {
      const [logits, codes] = this.forward(features, proposals, sizes);
      const counts = proposals.map((boxes) => boxes.size(0));
      const scores = ops.splitWithSizes(logits.softmax(1), counts);
      const codesOf = ops.splitWithSizes(codes, counts);
      return sizes.map((size, image) =>
        tidy(() => this.#detections(scores[image], codesOf[image], proposals[image], size)),
      );
    });
  }

  #detections(probabilities: Tensor, codes: Tensor, proposals: Tensor, size: Size): Detections {
    const { scoreThresh, nmsThresh, detectionsPerImg, regressionWeights } = this.#options;
    // Every class of every proposal is a candidate; only the probable ones are decoded.
    const objects = probabilities.size(1) - 1;
    const all = probabilities.slice(1, 1).flatten();
    const candidates = ops.nonzero(all.gt(scoreThresh)).squeeze(1);
    const rows = ops.floorDivide(candidates, tensor(objects, { dtype: 'int64', device: candidates.device }));
    const labels = candidates.sub(rows.mul(objects)).add(1);
    const chosen = codes.view([-1, objects + 1, 4]).index(rows, labels);
    const boxes = clipBoxes(decodeBoxes(chosen, proposals.indexSelect(0, rows), regressionWeights), size);
    const large = largeBoxes(boxes, LEAST_SIDE);
    const scores = all.indexSelect(0, candidates);
    const [b, s, l] = [boxes, scores, labels].map((values) => values.indexSelect(0, large));
    const kept = batchedNms(b, s, l, nmsThresh).slice(0, 0, detectionsPerImg);
    return { boxes: b.indexSelect(0, kept), labels: l.indexSelect(0, kept), scores: s.indexSelect(0, kept) };
  }

  /** The proposals that count in a training step, and what they should become. True boxes are proposals too. */
  sample(proposals: readonly Tensor[], targets: readonly DetectionTarget[]): RoiSamples {
    const { batchSizePerImage: sizePerImage, positiveFraction, regressionWeights } = this.#options;
    return noGrad(() => {
      const samples = targets.map((target, image) =>
        tidy(() => {
          const candidates = cat([proposals[image], target.boxes]);
          const { matches, labels } = this.#assign(candidates, target);
          const { positive, negative } = sampleBalanced(labels, { sizePerImage, positiveFraction });
          const [chosen] = cat([positive, negative]).sort();
          const boxes = candidates.indexSelect(0, chosen);
          const matched = matches.indexSelect(0, chosen);
          const truths = target.boxes.size(0) ? target.boxes.indexSelect(0, matched) : ops.zerosLike(boxes);
          const codes = encodeBoxes(truths, boxes, regressionWeights);
          return { proposals: boxes, labels: labels.indexSelect(0, chosen), matches: matched, codes };
        }),
      );
      const column = (name: keyof RoiSamples): Tensor[] => samples.map((sample) => sample[name] as Tensor);
      return {
        proposals: samples.map((sample) => sample.proposals),
        labels: column('labels'),
        matches: column('matches'),
        codes: column('codes'),
      };
    });
  }

  /** Index of the true box (0 where there is none) and label (−1: does not count) of each candidate, int64 `[P]`. */
  #assign(candidates: Tensor, { boxes, labels }: DetectionTarget): { matches: Tensor; labels: Tensor } {
    const count = candidates.size(0);
    const none = zeros([count], { dtype: 'int64', device: candidates.device });
    if (boxes.size(0) === 0) return { matches: none, labels: none };
    const { fgIouThresh: high, bgIouThresh: low } = this.#options;
    const matches = matchBoxes(boxIou(boxes, candidates), { high, low });
    const truths = matches.clamp(0);
    const between = matches.eq(BETWEEN_THRESHOLDS).long();
    return { matches: truths, labels: labels.indexSelect(0, truths).mul(matches.ge(0).long()).sub(between) };
  }

  /** `classifier`: cross entropy of all samples; `boxRegression`: of the box of the true class, over the objects. */
  losses(features: readonly Tensor[], samples: RoiSamples, sizes: readonly Size[]): DetectionLosses {
    return tidy(() => {
      const [logits, codes] = this.forward(features, samples.proposals, sizes);
      const labels = cat(samples.labels);
      const objects = ops.nonzero(labels.gt(0)).squeeze(1);
      const found = codes.view([labels.size(0), -1, 4]).index(objects, labels.indexSelect(0, objects));
      const wanted = cat(samples.codes).indexSelect(0, objects);
      const distance = nn.functional.smoothL1Loss(found, wanted, { beta: BETA, reduction: 'sum' });
      return {
        classifier: nn.functional.crossEntropy(logits, labels),
        boxRegression: distance.div(labels.size(0)),
      };
    });
  }
}

/**
 * The features under each box, each from the level of the pyramid that suits its size.
 *
 * @param levels the finest first, `[N, C, H_i, W_i]`
 * @param boxes for each image `[K_i, 4]`, in pixels
 * @param sizes of the images in the batch, without padding
 * @returns `[ΣK_i, C, h, w]`
 */
export function poolRegions(
  levels: readonly Tensor[],
  boxes: readonly Tensor[],
  sizes: readonly Size[],
  pool: { size: readonly [number, number]; samplingRatio: number },
): Tensor {
  const height = Math.max(...sizes.map((size) => size.height));
  // Strides are powers of 2; padding and rounding blur the quotient.
  const scales = levels.map((level) => 2 ** Math.round(Math.log2(level.size(2) / height)));
  return pyramidRoiAlign(
    levels.map((level) => level.float()),
    boxes,
    { ...pool, scales },
  );
}
