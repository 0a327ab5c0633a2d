/** Feature pyramids: strong features at every resolution. Lin et al. 2016, https://arxiv.org/abs/1612.03144. */
import { nn, ops, type Tensor } from '@fovea/torch';

/** Levels that a pyramid gets on top of those of the backbone. */
export interface ExtraLevels extends nn.Module<[pyramid: readonly Tensor[], backbone: readonly Tensor[]], Tensor[]> {
  /** What the levels are called: keys of recorded figures, and places in `featureNames`. */
  readonly names: readonly string[];
}

/** A convolution in a container: the parameters of torchvision's `Conv2dNormActivation` without either of the others. */
const wrapped = (inChannels: number, outChannels: number, kernel: number): nn.Sequential =>
  new nn.Sequential(new nn.Conv2d(inChannels, outChannels, kernel, { padding: (kernel - 1) / 2 }));

function initialise(module: Pick<nn.AnyModule, 'namedModules'>): void {
  for (const layer of module.namedModules().values()) {
    if (!(layer instanceof nn.Conv2d)) continue;
    nn.init.kaimingUniform_(layer.weight, { a: 1 });
    if (layer.bias) nn.init.zeros_(layer.bias);
  }
}

/** One level from the coarsest, every second cell of it: it serves the largest anchors. */
export class LastLevelMaxPool
  extends nn.Module<[readonly Tensor[], readonly Tensor[]], Tensor[]>
  implements ExtraLevels
{
  readonly names = ['pool'];

  forward(pyramid: readonly Tensor[]): Tensor[] {
    return [ops.maxPool2d(pyramid[pyramid.length - 1], 1, 2, 0)];
  }
}

/**
 * Two levels by convolutions with stride 2. Lin et al. 2017, https://arxiv.org/abs/1708.02002. They start from the coarsest level
 * of the pyramid, or of the backbone where that has another number of channels.
 */
export class LastLevelP6P7 extends nn.Module<[readonly Tensor[], readonly Tensor[]], Tensor[]> implements ExtraLevels {
  readonly names = ['p6', 'p7'];
  p6;
  p7;
  readonly #ofPyramid: boolean;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.p6 = new nn.Conv2d(inChannels, outChannels, 3, { stride: 2, padding: 1 });
    this.p7 = new nn.Conv2d(outChannels, outChannels, 3, { stride: 2, padding: 1 });
    initialise(this);
    this.#ofPyramid = inChannels === outChannels;
  }

  forward(pyramid: readonly Tensor[], backbone: readonly Tensor[]): Tensor[] {
    const source = this.#ofPyramid ? pyramid : backbone;
    const p6 = this.p6.forward(source[source.length - 1]);
    return [p6, this.p7.forward(p6.relu())];
  }
}

/**
 * Adds what coarse levels know to the finer ones.
 *
 * Levels of the backbone, the finest first, `[N, inChannels_i, H_i, W_i]` → as many of the pyramid `[N, outChannels, H_i, W_i]`
 * and the extra ones.
 */
export class FeaturePyramid extends nn.Module<[levels: readonly Tensor[]], Tensor[]> {
  inner_blocks;
  layer_blocks;
  extra_blocks;

  constructor(inChannels: readonly number[], outChannels: number, extraLevels: ExtraLevels) {
    super();
    const blocks = inChannels.map((channels) => ({
      inner: wrapped(channels, outChannels, 1),
      layer: wrapped(outChannels, outChannels, 3),
    }));
    this.inner_blocks = new nn.ModuleList(blocks.map(({ inner }) => inner));
    this.layer_blocks = new nn.ModuleList(blocks.map(({ layer }) => layer));
    initialise(this);
    this.extra_blocks = extraLevels;
  }

  forward(levels: readonly Tensor[]): Tensor[] {
    const lateral = [...this.inner_blocks].map((block, level) => block.forward(levels[level]));
    for (let level = lateral.length - 2; level >= 0; level--) {
      const [, , height, width] = lateral[level].shape;
      lateral[level] = lateral[level].add(ops.upsampleNearest2d(lateral[level + 1], [height, width]));
    }
    const pyramid = [...this.layer_blocks].map((block, level) => block.forward(lateral[level]));
    return [...pyramid, ...this.extra_blocks.forward(pyramid, levels)];
  }
}
