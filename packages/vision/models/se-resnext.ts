/**
 * SE-ResNeXt: ResNeXt whose blocks weigh their channels by what the whole image shows. Hu et al. 2017, https://arxiv.org/abs/1709.01507.
 *
 * Names and initial weights are those of timm's `legacy_seresnext50_32x4d`, which go back to the authors' Caffe models.
 */
import { nn, type Tensor } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import { classifier } from '../registry.ts';
import { published } from '../weights/source.ts';

/** Groups of each 3×3 convolution, and the channels of a group in the first stage. */
const GROUPS = 32;
const GROUP_WIDTH = 4;
const EXPANSION = 4;
/** How many channels share one hidden unit of a squeeze-and-excitation. */
const REDUCTION = 16;

/** Factors in (0, 1) for the channels, from their means over the image. Figure 3 of the paper. */
class SqueezeExcitation extends nn.Module {
  fc1;
  fc2;

  constructor(channels: number) {
    super();
    this.fc1 = new nn.Conv2d(channels, channels / REDUCTION, 1);
    this.fc2 = new nn.Conv2d(channels / REDUCTION, channels, 1);
  }

  forward(x: Tensor): Tensor {
    const means = x.mean([2, 3], true);
    return x.mul(this.fc2.forward(this.fc1.forward(means).relu_()).sigmoid());
  }
}

/** A projection where a block changes size or channels, else null. */
function shortcut(inChannels: number, outChannels: number, stride: number): nn.Sequential | null {
  if (stride === 1 && inChannels === outChannels) return null;
  const projection = new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false });
  return new nn.Sequential(projection, new nn.BatchNorm2d(outChannels));
}

/** Residual block of grouped convolutions with a squeeze-and-excitation at its end. */
class Bottleneck extends nn.Module {
  conv1;
  bn1;
  conv2;
  bn2;
  conv3;
  bn3;
  se_module;
  downsample;

  constructor(inChannels: number, channels: number, stride: number) {
    super();
    const width = (channels / 64) * GROUP_WIDTH * GROUPS;
    const outChannels = channels * EXPANSION;
    // Made first and named last, so that random numbers and names both come in timm's order.
    const downsample = shortcut(inChannels, outChannels, stride);
    this.conv1 = new nn.Conv2d(inChannels, width, 1, { bias: false });
    this.bn1 = new nn.BatchNorm2d(width);
    this.conv2 = new nn.Conv2d(width, width, 3, { stride, padding: 1, groups: GROUPS, bias: false });
    this.bn2 = new nn.BatchNorm2d(width);
    this.conv3 = new nn.Conv2d(width, outChannels, 1, { bias: false });
    this.bn3 = new nn.BatchNorm2d(outChannels);
    this.se_module = new SqueezeExcitation(outChannels);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    let y = this.bn1.forward(this.conv1.forward(x)).relu_();
    y = this.bn2.forward(this.conv2.forward(y)).relu_();
    y = this.se_module.forward(this.bn3.forward(this.conv3.forward(y)));
    return y.add_(this.downsample?.forward(x) ?? x).relu_();
  }
}

/** The first convolution. */
class Stem extends nn.Module {
  conv1 = new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
  bn1 = new nn.BatchNorm2d(64);

  forward(x: Tensor): Tensor {
    return this.bn1.forward(this.conv1.forward(x)).relu_();
  }
}

/** `[N, 3, H, W]` → logits `[N, classes]`. `depths`: blocks in each of the four stages. */
export class SEResNeXt extends nn.Module {
  layer0 = new Stem();
  // No padding, but a last window that hangs over: the way Caffe counts.
  pool0 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  layer1;
  layer2;
  layer3;
  layer4;
  global_pool = new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
  dropout = new nn.Dropout(0.2);
  last_linear;

  constructor(depths: readonly number[], classes: number) {
    super();
    let inChannels = 64;
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
    this.last_linear = new nn.Linear(inChannels, classes);

    for (const module of this.namedModules().values()) {
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight, { mode: 'fan_out', nonlinearity: 'relu' });
    }
  }

  forward(x: Tensor): Tensor {
    let y = this.pool0.forward(this.layer0.forward(x));
    y = this.layer1.forward(y);
    y = this.layer2.forward(y);
    y = this.layer3.forward(y);
    y = this.layer4.forward(y);
    return this.last_linear.forward(this.dropout.forward(this.global_pool.forward(y)));
  }
}

export const seResNeXt50 = classifier({
  name: 'seresnext',
  aliases: ['legacy_seresnext50_32x4d'],
  build: (classes) => new SEResNeXt([3, 4, 6, 3], classes),
  parameters: 27_559_896,
  paper: 'https://arxiv.org/abs/1709.01507',
  // It is documented not to take arbitrary sizes; these two are the ones that published jobs give it.
  input: {
    size: 224,
    sizes: { only: [224, 256] },
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    interpolation: 'bilinear',
  },
  weights: published(
    'https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/legacy_se_resnext50_32x4d-f3651bad.pth',
    {
      page: 'https://github.com/huggingface/pytorch-image-models',
      licence: 'Apache-2.0',
      also: ['legacy_seresnext50_32x4d.safetensors', 'legacy_seresnext50_32x4d.pth'],
    },
  ),
  head: 'last_linear.',
  gradCam: 'layer4',
  freeze: ['layer0.', 'layer1.', 'layer2.', 'layer3.', 'layer4.'],
});
