/** A ResNet under a feature pyramid, the backbone of torchvision's detectors, with their names. */
import { nn, type Tensor, tidy } from '@fovea/torch';
import { buildResNet, normalised, type ResNetName } from '../models/resnet.ts';
import { type ExtraLevels, FeaturePyramid, LastLevelMaxPool } from './feature-pyramid.ts';
import { FrozenBatchNorm2d } from './frozen-batch-norm.ts';

const CHANNELS = 256;

export interface ResNetFpnOptions {
  /**
   * `frozen` statistics come with pretrained weights, and a batch of one or two images needs them; a network that starts from random
   * weights needs `batch`, and some images per batch.
   */
  normalisation?: 'frozen' | 'batch';
  /**
   * Added to the variance in frozen batch norms. torchvision's COCO weights of `*_resnet50_fpn` were trained with 0; weights of
   * ImageNet, in which a variance can be 0, need 1e-5.
   */
  frozenEps?: number;
  /** How many of conv1 and the four stages learn, counted from the last: 0 to 5. */
  trainableLayers?: number;
}

/** A ResNet without its head: `[N, 3, H, W]` → features of the wanted stages, of strides 4, 8, 16, 32. */
class ResNetBody extends nn.Module<[Tensor], Tensor[]> {
  conv1;
  bn1;
  maxpool;
  layer1;
  layer2;
  layer3;
  layer4;
  /** Channels of each stage. */
  readonly #channels: number[];
  readonly #firstStage: number;

  constructor(name: ResNetName, firstStage: number, { normalisation = 'frozen', frozenEps = 1e-5 }: ResNetFpnOptions) {
    super();
    const norm =
      normalisation === 'frozen'
        ? (channels: number) => new FrozenBatchNorm2d(channels, { eps: frozenEps })
        : undefined;
    // With ImageNet's head, so that as many random numbers are drawn as in torchvision.
    const whole = buildResNet(name, 1000, { norm });
    this.conv1 = whole.conv1;
    this.bn1 = whole.bn1;
    this.maxpool = whole.maxpool;
    this.layer1 = whole.layer1;
    this.layer2 = whole.layer2;
    this.layer3 = whole.layer3;
    this.layer4 = whole.layer4;
    const features = whole.fc.weight.size(1);
    this.#channels = [features / 8, features / 4, features / 2, features];
    this.#firstStage = firstStage;
    for (const parameter of whole.fc.parameters()) parameter.dispose();
  }

  /** Channels of the stages that are returned. */
  get outChannels(): number[] {
    return this.#channels.slice(this.#firstStage - 1);
  }

  /** Weights of a classifier without its head: a published ResNet is a backbone as it is. */
  adaptWeights(state: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
    return new Map([...state].filter(([name]) => !name.startsWith('fc.')));
  }

  forward(x: Tensor): Tensor[] {
    let y = tidy(() => this.maxpool.forward(normalised(this.conv1, this.bn1, x).relu_()));
    const stages = [this.layer1, this.layer2, this.layer3, this.layer4].map((layer) => {
      const before = y;
      y = tidy(() => layer.forward(before));
      return y;
    });
    return stages.slice(this.#firstStage - 1);
  }
}

/** `[N, 3, H, W]` → the levels of the pyramid, the finest first, `[N, 256, H_i, W_i]`. */
export class ResNetFpn extends nn.Module<[Tensor], Tensor[]> {
  body;
  fpn;
  readonly outChannels = CHANNELS;
  /** What the levels are called, as in torchvision: `'0'` is the finest. */
  readonly featureNames: readonly string[];

  /**
   * @param firstStage the finest stage that is used, 1 to 4
   * @throws RangeError when `trainableLayers` is not from 0 to 5
   */
  constructor(name: ResNetName, options: ResNetFpnOptions & { firstStage?: number; extraLevels?: ExtraLevels } = {}) {
    super();
    const { trainableLayers = 3, firstStage = 1, extraLevels } = options;
    if (![0, 1, 2, 3, 4, 5].includes(trainableLayers))
      throw new RangeError(`trainableLayers counts conv1 and the four stages, 0 to 5; got ${trainableLayers}`);
    this.body = new ResNetBody(name, firstStage, options);
    const extra = extraLevels ?? new LastLevelMaxPool();
    const channels = this.body.outChannels;
    this.fpn = new FeaturePyramid(channels, CHANNELS, extra);
    this.featureNames = [...channels.keys()].map(String).concat(extra.names);
    const stages = [['conv1.', 'bn1.'], ['layer1.'], ['layer2.'], ['layer3.'], ['layer4.']];
    this.body.freeze(stages.slice(0, 5 - trainableLayers).flat());
  }

  forward(x: Tensor): Tensor[] {
    return tidy(() => this.fpn.forward(this.body.forward(x)));
  }
}
