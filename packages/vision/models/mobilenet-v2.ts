/**
 * MobileNetV2: residual blocks that widen, filter each channel alone, and narrow again.
 * Sandler et al. 2018, https://arxiv.org/abs/1801.04381.
 *
 * Names and initial weights are torchvision's, so its checkpoints load as they are.
 */
import { nn, ops, type Tensor } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import { classifier } from '../registry.ts';
import { torchvision } from '../weights/source.ts';

/** Convolution without bias, batch norm, ReLU6. */
const convBnRelu6 = (
  inChannels: number,
  outChannels: number,
  kernel: number,
  { stride = 1, groups = 1 } = {},
): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(inChannels, outChannels, kernel, { stride, padding: (kernel - 1) / 2, groups, bias: false }),
    new nn.BatchNorm2d(outChannels),
    new nn.ReLU6({ inplace: true }),
  );

/** Widen by `expansion`, filter channel by channel, project without a nonlinearity. Sandler et al. 2018, fig. 4d. */
class InvertedResidual extends nn.Module {
  conv;
  readonly #isResidual: boolean;

  constructor(inChannels: number, outChannels: number, stride: number, expansion: number) {
    super();
    const hidden = inChannels * expansion;
    this.#isResidual = stride === 1 && inChannels === outChannels;
    this.conv = new nn.Sequential(
      ...(expansion === 1 ? [] : [convBnRelu6(inChannels, hidden, 1)]),
      convBnRelu6(hidden, hidden, 3, { stride, groups: hidden }),
      new nn.Conv2d(hidden, outChannels, 1, { bias: false }),
      new nn.BatchNorm2d(outChannels),
    );
  }

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.#isResidual ? y.add_(x) : y;
  }
}

/** Table 2 of the paper: stages of `repeat` blocks, the first of each with the stride. */
const STAGES = [
  { expansion: 1, channels: 16, repeat: 1, stride: 1 },
  { expansion: 6, channels: 24, repeat: 2, stride: 2 },
  { expansion: 6, channels: 32, repeat: 3, stride: 2 },
  { expansion: 6, channels: 64, repeat: 4, stride: 2 },
  { expansion: 6, channels: 96, repeat: 3, stride: 1 },
  { expansion: 6, channels: 160, repeat: 3, stride: 2 },
  { expansion: 6, channels: 320, repeat: 1, stride: 1 },
];

/** `[N, 3, H, W]` → logits `[N, classes]`. */
export class MobileNetV2 extends nn.Module {
  features;
  classifier;

  constructor(classes: number) {
    super();
    let inChannels = 32;
    const features: nn.Module[] = [convBnRelu6(3, inChannels, 3, { stride: 2 })];
    for (const { expansion, channels, repeat, stride } of STAGES) {
      for (let index = 0; index < repeat; index++) {
        features.push(new InvertedResidual(inChannels, channels, index === 0 ? stride : 1, expansion));
        inChannels = channels;
      }
    }
    features.push(convBnRelu6(inChannels, 1280, 1));
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(1280, classes));

    for (const module of this.namedModules().values()) {
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight, { mode: 'fan_out' });
      if (!(module instanceof nn.Linear)) continue;
      nn.init.normal_(module.weight, 0, 0.01);
      if (module.bias) nn.init.zeros_(module.bias);
    }
  }

  forward(x: Tensor): Tensor {
    const y = ops.adaptiveAvgPool2d(this.features.forward(x), 1);
    return this.classifier.forward(y.flatten(1));
  }
}

export const mobilenetV2 = classifier({
  name: 'mobilenetv2',
  aliases: ['mobilenet_v2'],
  build: (classes) => new MobileNetV2(classes),
  parameters: 3_504_872,
  paper: 'https://arxiv.org/abs/1801.04381',
  input: { size: 224, sizes: { from: 32 }, mean: IMAGENET_MEAN, std: IMAGENET_STD, interpolation: 'bilinear' },
  weights: torchvision('mobilenet_v2-b0353104.pth', { licence: 'BSD-3-Clause' }),
  head: 'classifier.',
  gradCam: 'features',
  freeze: Array.from({ length: 19 }, (_, index) => `features.${index}.`),
});
