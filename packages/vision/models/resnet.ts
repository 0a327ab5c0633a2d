/**
 * ResNet: blocks that learn what to add to their input. He et al. 2015, https://arxiv.org/abs/1512.03385.
 * ResNeXt: the same with grouped convolutions. Xie et al. 2016, https://arxiv.org/abs/1611.05431.
 *
 * Names and initial weights are torchvision's, so its checkpoints load as they are.
 */
import { nn, type Tensor } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import { classifier } from '../registry.ts';
import { torchvision } from '../weights/source.ts';

/** How wide a block's 3×3 convolution is. ResNet: one group of the block's channels. */
interface Grouping {
  groups: number;
  /** Channels of each group in the first stage. */
  groupWidth: number;
}

/** The normalisation after a convolution. */
export interface Norm extends nn.Module {
  /** Both at once, where that is quicker than one after the other. */
  afterConvolution?(convolution: nn.Conv2d, x: Tensor): Tensor;
}

/** Makes the normalisation after a convolution with so many channels. */
export type NormLayer = (channels: number) => Norm;

type Block = typeof BasicBlock | typeof Bottleneck;

const batchNorm: NormLayer = (channels) => new nn.BatchNorm2d(channels);

const conv1x1 = (inChannels: number, outChannels: number, stride = 1) =>
  new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false });

const conv3x3 = (inChannels: number, outChannels: number, stride = 1, groups = 1) =>
  new nn.Conv2d(inChannels, outChannels, 3, { stride, padding: 1, groups, bias: false });

/** A convolution and what normalises it. */
export const normalised = (convolution: nn.Conv2d, norm: Norm, x: Tensor): Tensor =>
  norm.afterConvolution?.(convolution, x) ?? norm.forward(convolution.forward(x));

class Projection extends nn.Sequential {
  readonly #convolution: nn.Conv2d;
  readonly #norm: Norm;

  constructor(convolution: nn.Conv2d, norm: Norm) {
    super(convolution, norm);
    this.#convolution = convolution;
    this.#norm = norm;
  }

  override forward(x: Tensor): Tensor {
    return normalised(this.#convolution, this.#norm, x);
  }
}

/** A projection where a block changes size or channels, else null: the input itself. He et al. 2015, option B. */
const shortcut = (inChannels: number, outChannels: number, stride: number, norm: NormLayer) =>
  stride === 1 && inChannels === outChannels
    ? null
    : new Projection(conv1x1(inChannels, outChannels, stride), norm(outChannels));

/** Residual block of two 3×3 convolutions. He et al. 2015, fig. 5 left. */
class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  conv1;
  bn1;
  conv2;
  bn2;
  downsample;

  constructor(inChannels: number, channels: number, stride: number, norm: NormLayer) {
    super();
    this.conv1 = conv3x3(inChannels, channels, stride);
    this.bn1 = norm(channels);
    this.conv2 = conv3x3(channels, channels);
    this.bn2 = norm(channels);
    this.downsample = shortcut(inChannels, channels, stride, norm);
  }

  forward(x: Tensor): Tensor {
    let y = normalised(this.conv1, this.bn1, x).relu_();
    y = normalised(this.conv2, this.bn2, y);
    return y.add_(this.downsample?.forward(x) ?? x).relu_();
  }
}

/** Residual block that computes in fewer channels. He et al. 2015, fig. 5 right, with the stride in the 3×3 (v1.5). */
class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  conv1;
  bn1;
  conv2;
  bn2;
  conv3;
  bn3;
  downsample;

  constructor(inChannels: number, channels: number, stride: number, norm: NormLayer, { groups, groupWidth }: Grouping) {
    super();
    const width = Math.floor(channels * (groupWidth / 64)) * groups;
    const outChannels = channels * Bottleneck.expansion;
    this.conv1 = conv1x1(inChannels, width);
    this.bn1 = norm(width);
    this.conv2 = conv3x3(width, width, stride, groups);
    this.bn2 = norm(width);
    this.conv3 = conv1x1(width, outChannels);
    this.bn3 = norm(outChannels);
    this.downsample = shortcut(inChannels, outChannels, stride, norm);
  }

  forward(x: Tensor): Tensor {
    let y = normalised(this.conv1, this.bn1, x).relu_();
    y = normalised(this.conv2, this.bn2, y).relu_();
    y = normalised(this.conv3, this.bn3, y);
    return y.add_(this.downsample?.forward(x) ?? x).relu_();
  }
}

/** `[N, 3, H, W]` → logits `[N, classes]`. `depths`: blocks in each of the four stages. */
export class ResNet extends nn.Module {
  conv1 = new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
  bn1;
  maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  layer1;
  layer2;
  layer3;
  layer4;
  avgpool = new nn.AdaptiveAvgPool2d(1);
  fc;

  constructor(
    block: Block,
    depths: readonly number[],
    classes: number,
    { norm = batchNorm, groups = 1, groupWidth = 64 }: Partial<Grouping> & { norm?: NormLayer } = {},
  ) {
    super();
    this.bn1 = norm(64);
    let inChannels = 64;
    const stage = (channels: number, depth: number, stride: number) => {
      const blocks = Array.from({ length: depth }, (_, index) => {
        const made = new block(inChannels, channels, index === 0 ? stride : 1, norm, { groups, groupWidth });
        inChannels = channels * block.expansion;
        return made;
      });
      return new nn.Sequential(...blocks);
    };
    this.layer1 = stage(64, depths[0], 1);
    this.layer2 = stage(128, depths[1], 2);
    this.layer3 = stage(256, depths[2], 2);
    this.layer4 = stage(512, depths[3], 2);
    this.fc = new nn.Linear(inChannels, classes);

    for (const module of this.namedModules().values()) {
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight, { mode: 'fan_out', nonlinearity: 'relu' });
    }
  }

  forward(x: Tensor): Tensor {
    let y = normalised(this.conv1, this.bn1, x).relu_();
    y = this.maxpool.forward(y);
    y = this.layer1.forward(y);
    y = this.layer2.forward(y);
    y = this.layer3.forward(y);
    y = this.layer4.forward(y);
    return this.fc.forward(this.avgpool.forward(y).flatten(1));
  }
}

/** Block and blocks in each of the four stages. He et al. 2015, table 1. */
const DEPTHS = {
  resnet18: [BasicBlock, [2, 2, 2, 2]],
  resnet34: [BasicBlock, [3, 4, 6, 3]],
  resnet50: [Bottleneck, [3, 4, 6, 3]],
  resnet101: [Bottleneck, [3, 4, 23, 3]],
  resnet152: [Bottleneck, [3, 8, 36, 3]],
} as const;

export type ResNetName = keyof typeof DEPTHS;

export const RESNET_NAMES = Object.keys(DEPTHS) as ResNetName[];

/** A new ResNet by its name, for so many classes. `norm` stands in for batch normalisation. */
export function buildResNet(name: ResNetName, classes: number, options: { norm?: NormLayer } = {}): ResNet {
  const [block, depths] = DEPTHS[name];
  return new ResNet(block, depths, classes, options);
}

const shared = {
  input: { size: 224, sizes: { from: 32 }, mean: IMAGENET_MEAN, std: IMAGENET_STD, interpolation: 'bilinear' },
  head: 'fc.',
  gradCam: 'layer4',
  freeze: [['conv1.', 'bn1.'], 'layer1.', 'layer2.', 'layer3.', 'layer4.'],
} as const;

const RESNET_PAPER = 'https://arxiv.org/abs/1512.03385';

export const resnet18 = classifier({
  name: 'resnet18',
  build: (classes) => buildResNet('resnet18', classes),
  parameters: 11_689_512,
  paper: RESNET_PAPER,
  weights: torchvision('resnet18-f37072fd.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});

export const resnet34 = classifier({
  name: 'resnet34',
  build: (classes) => buildResNet('resnet34', classes),
  parameters: 21_797_672,
  paper: RESNET_PAPER,
  weights: torchvision('resnet34-b627a593.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});

export const resnet50 = classifier({
  name: 'resnet50',
  build: (classes) => buildResNet('resnet50', classes),
  parameters: 25_557_032,
  paper: RESNET_PAPER,
  weights: torchvision('resnet50-0676ba61.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});

export const resnet101 = classifier({
  name: 'resnet101',
  build: (classes) => buildResNet('resnet101', classes),
  parameters: 44_549_160,
  paper: RESNET_PAPER,
  weights: torchvision('resnet101-63fe2227.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});

export const resnet152 = classifier({
  name: 'resnet152',
  build: (classes) => buildResNet('resnet152', classes),
  parameters: 60_192_808,
  paper: RESNET_PAPER,
  weights: torchvision('resnet152-394f9c45.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});

export const resnext50 = classifier({
  name: 'resnext50_32x4d',
  build: (classes) => new ResNet(Bottleneck, [3, 4, 6, 3], classes, { groups: 32, groupWidth: 4 }),
  parameters: 25_028_904,
  paper: 'https://arxiv.org/abs/1611.05431',
  weights: torchvision('resnext50_32x4d-7cdf4587.pth', { licence: 'BSD-3-Clause' }),
  ...shared,
});
