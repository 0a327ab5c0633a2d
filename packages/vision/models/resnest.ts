/**
 * ResNeSt: ResNet whose 3×3 convolutions are computed twice over, and mixed channel by channel as attention says.
 * Zhang et al. 2020, https://arxiv.org/abs/2004.08955.
 *
 * Names and initial weights are timm's (`resnest50d`, `resnest101e`), which are those of the authors' own checkpoints.
 */
import { nn, ops, type Tensor } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import { classifier } from '../registry.ts';
import { published } from '../weights/source.ts';

/** Branches of each split attention. */
const RADIX = 2;
const EXPANSION = 4;

const conv1x1 = (inChannels: number, outChannels: number) => new nn.Conv2d(inChannels, outChannels, 1, { bias: false });

const conv3x3 = (inChannels: number, outChannels: number, stride = 1) =>
  new nn.Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false });

/**
 * A 3×3 convolution into `RADIX` branches, and their sum weighted for each image and channel; the weights of the branches sum to 1.
 * Figure 2 of the paper, right, for one cardinal group. `[N, C, H, W]` → the same.
 */
class SplitAttention extends nn.Module {
  conv;
  bn0;
  fc1;
  bn1;
  fc2;

  constructor(channels: number) {
    super();
    const hidden = Math.max(32, (channels * RADIX) / 4);
    this.conv = new nn.Conv2d(channels, channels * RADIX, 3, { padding: 1, groups: RADIX, bias: false });
    this.bn0 = new nn.BatchNorm2d(channels * RADIX);
    this.fc1 = new nn.Conv2d(channels, hidden, 1);
    this.bn1 = new nn.BatchNorm2d(hidden);
    this.fc2 = new nn.Conv2d(hidden, channels * RADIX, 1);
  }

  forward(x: Tensor): Tensor {
    const joint = this.bn0.forward(this.conv.forward(x)).relu_();
    // Written out for two branches: quicker than one tensor with a dimension of branches, whose sum is a pass of its own.
    const [first, second] = joint.chunk(RADIX, 1);
    const context = first.add(second).mean([2, 3], true);
    const scores = this.fc2.forward(this.bn1.forward(this.fc1.forward(context)).relu_());
    const [images, channels] = scores.shape;
    const weights = scores.reshape([images, RADIX, channels / RADIX, 1, 1]).softmax(1);
    const [firstWeight, secondWeight] = ops.unbindInt(weights, 1);
    return first.mul(firstWeight).add_(second.mul(secondWeight));
  }
}

/** A projection where a block changes size or channels, else null. Smaller images come from averages: He et al. 2018, ResNet-D. */
function shortcut(inChannels: number, outChannels: number, stride: number): nn.Sequential | null {
  if (stride === 1 && inChannels === outChannels) return null;
  const pool =
    stride === 1 ? new nn.Identity() : new nn.AvgPool2d(2, { stride, ceilMode: true, countIncludePad: false });
  return new nn.Sequential(pool, conv1x1(inChannels, outChannels), new nn.BatchNorm2d(outChannels));
}

/** Residual block around a split attention; where it shrinks the image, it does so by averaging after the attention. */
class Bottleneck extends nn.Module {
  conv1;
  bn1;
  conv2;
  avd_last;
  conv3;
  bn3;
  downsample;

  constructor(inChannels: number, channels: number, stride: number) {
    super();
    const outChannels = channels * EXPANSION;
    // Made first and named last, so that random numbers and names both come in timm's order.
    const downsample = shortcut(inChannels, outChannels, stride);
    this.conv1 = conv1x1(inChannels, channels);
    this.bn1 = new nn.BatchNorm2d(channels);
    this.conv2 = new SplitAttention(channels);
    this.avd_last = stride > 1 ? new nn.AvgPool2d(3, { stride, padding: 1 }) : null;
    this.conv3 = conv1x1(channels, outChannels);
    this.bn3 = new nn.BatchNorm2d(outChannels);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    let y = this.bn1.forward(this.conv1.forward(x)).relu_();
    y = this.conv2.forward(y);
    y = this.avd_last?.forward(y) ?? y;
    y = this.bn3.forward(this.conv3.forward(y));
    return y.add_(this.downsample?.forward(x) ?? x).relu_();
  }
}

/** `[N, 3, H, W]` → logits `[N, classes]`. `depths`: blocks in each of the four stages; `stemWidth`: channels of the first layers. */
export class ResNeSt extends nn.Module {
  conv1;
  bn1;
  maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  layer1;
  layer2;
  layer3;
  layer4;
  global_pool = new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
  fc;

  constructor(depths: readonly number[], stemWidth: number, classes: number) {
    super();
    this.conv1 = new nn.Sequential(
      conv3x3(3, stemWidth, 2),
      new nn.BatchNorm2d(stemWidth),
      new nn.ReLU({ inplace: true }),
      conv3x3(stemWidth, stemWidth),
      new nn.BatchNorm2d(stemWidth),
      new nn.ReLU({ inplace: true }),
      conv3x3(stemWidth, stemWidth * 2),
    );
    this.bn1 = new nn.BatchNorm2d(stemWidth * 2);
    let inChannels = stemWidth * 2;
    const stage = (channels: number, depth: number, stride: number) => {
      const blocks = Array.from({ length: depth }, (_, index) => {
        const made = new Bottleneck(inChannels, channels, index === 0 ? stride : 1);
        inChannels = channels * EXPANSION;
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
      // Every block begins as its shortcut alone. Goyal et al. 2017, section 5.1.
      if (module instanceof Bottleneck && module.bn3.weight) nn.init.zeros_(module.bn3.weight);
    }
  }

  forward(x: Tensor): Tensor {
    let y = this.bn1.forward(this.conv1.forward(x)).relu_();
    y = this.maxpool.forward(y);
    y = this.layer1.forward(y);
    y = this.layer2.forward(y);
    y = this.layer3.forward(y);
    y = this.layer4.forward(y);
    return this.fc.forward(this.global_pool.forward(y));
  }
}

const shared = {
  paper: 'https://arxiv.org/abs/2004.08955',
  input: {
    size: 224,
    sizes: { from: 32 },
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    interpolation: 'bilinear',
  },
  head: 'fc.',
  gradCam: 'layer4',
  freeze: [['conv1.', 'bn1.'], 'layer1.', 'layer2.', 'layer3.', 'layer4.'],
} as const;

/** The authors name their files after the first digits of their SHA-256, as torchvision does. */
const authors = (file: string, timmName: string) =>
  published(`https://github.com/zhanghang1989/ResNeSt/releases/download/weights_step1/${file}`, {
    page: 'https://github.com/zhanghang1989/ResNeSt',
    licence: 'Apache-2.0',
    also: [`timm/${timmName}/model.safetensors`, `${timmName}/model.safetensors`, `${timmName}.safetensors`],
  });

export const resnest50 = classifier({
  name: 'resnest50',
  aliases: ['resnest50d'],
  build: (classes) => new ResNeSt([3, 4, 6, 3], 32, classes),
  parameters: 27_483_240,
  weights: authors('resnest50-528c19ca.pth', 'resnest50d.in1k'),
  ...shared,
});

export const resnest101 = classifier({
  name: 'resnest101',
  aliases: ['resnest101e'],
  build: (classes) => new ResNeSt([3, 4, 23, 3], 64, classes),
  parameters: 48_275_016,
  weights: authors('resnest101-22405ba7.pth', 'resnest101e.in1k'),
  ...shared,
});
