/** The blocks that YOLOv5 is built of. Their properties are called as in its published checkpoints. */
import { cat, nn, ops, type Tensor } from '@fovea/torch';

/** Convolution without bias, batch norm, SiLU. Without other words the size changes by the stride alone. */
export class Convolution extends nn.Module {
  conv;
  bn;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel = 1,
    stride = 1,
    padding: number = Math.floor(kernel / 2),
  ) {
    super();
    this.conv = new nn.Conv2d(inChannels, outChannels, kernel, { stride, padding, bias: false });
    this.bn = new nn.BatchNorm2d(outChannels, { eps: 1e-3, momentum: 0.03 });
  }

  forward(x: Tensor): Tensor {
    return ops.silu(this.bn.forward(this.conv.forward(x)));
  }
}

/** Every fourth pixel into a channel of its own, then a convolution: `[N, C, H, W]` → `[N, out, H / 2, W / 2]`. */
export class Focus extends nn.Module {
  conv;

  constructor(inChannels: number, outChannels: number, kernel: number) {
    super();
    this.conv = new Convolution(4 * inChannels, outChannels, kernel);
  }

  forward(x: Tensor): Tensor {
    const from = (row: number, column: number): Tensor => x.slice(-2, row, null, 2).slice(-1, column, null, 2);
    return this.conv.forward(cat([from(0, 0), from(1, 0), from(0, 1), from(1, 1)], 1));
  }
}

class Bottleneck extends nn.Module {
  cv1;
  cv2;
  readonly #isResidual: boolean;

  constructor(channels: number, isResidual: boolean) {
    super();
    this.cv1 = new Convolution(channels, channels);
    this.cv2 = new Convolution(channels, channels, 3);
    this.#isResidual = isResidual;
  }

  forward(x: Tensor): Tensor {
    const y = this.cv2.forward(this.cv1.forward(x));
    return this.#isResidual ? x.add(y) : y;
  }
}

/** Half of the channels go through `repeat` bottlenecks, half around them. Wang et al. 2019, https://arxiv.org/abs/1911.11929. */
export class C3 extends nn.Module {
  cv1;
  cv2;
  cv3;
  m;

  constructor(inChannels: number, outChannels: number, repeat: number, isResidual: boolean) {
    super();
    const hidden = Math.floor(outChannels / 2);
    this.cv1 = new Convolution(inChannels, hidden);
    this.cv2 = new Convolution(inChannels, hidden);
    this.cv3 = new Convolution(2 * hidden, outChannels);
    this.m = new nn.Sequential(...Array.from({ length: repeat }, () => new Bottleneck(hidden, isResidual)));
  }

  forward(x: Tensor): Tensor {
    return this.cv3.forward(cat([this.m.forward(this.cv1.forward(x)), this.cv2.forward(x)], 1));
  }
}

const sameSizePool = (kernel: number): nn.MaxPool2d =>
  new nn.MaxPool2d(kernel, { stride: 1, padding: Math.floor(kernel / 2) });

/** Maxima over windows of several sizes beside the features themselves. He et al. 2014, https://arxiv.org/abs/1406.4729. */
export class SpatialPyramidPooling extends nn.Module {
  cv1;
  cv2;
  m;

  constructor(inChannels: number, outChannels: number, kernels: readonly number[]) {
    super();
    const hidden = Math.floor(inChannels / 2);
    this.cv1 = new Convolution(inChannels, hidden);
    this.cv2 = new Convolution(hidden * (kernels.length + 1), outChannels);
    this.m = new nn.ModuleList(kernels.map(sameSizePool));
  }

  forward(x: Tensor): Tensor {
    const y = this.cv1.forward(x);
    return this.cv2.forward(cat([y, ...[...this.m].map((pool) => pool.forward(y))], 1));
  }
}

/** The same with one small window three times over: two of 5 × 5 see 9 × 9, three see 13 × 13. */
export class FastSpatialPyramidPooling extends nn.Module {
  cv1;
  cv2;
  m;

  constructor(inChannels: number, outChannels: number, kernel: number) {
    super();
    const hidden = Math.floor(inChannels / 2);
    this.cv1 = new Convolution(inChannels, hidden);
    this.cv2 = new Convolution(hidden * 4, outChannels);
    this.m = sameSizePool(kernel);
  }

  forward(x: Tensor): Tensor {
    const levels = [this.cv1.forward(x)];
    for (let again = 0; again < 3; again++) levels.push(this.m.forward(levels[again]));
    return this.cv2.forward(cat(levels, 1));
  }
}

/** Twice the height and width, every pixel four times. */
export class Upsample extends nn.Module {
  forward(x: Tensor): Tensor {
    const [height, width] = x.shape.slice(-2);
    return ops.upsampleNearest2d(x, [2 * height, 2 * width], 2, 2);
  }
}

/** Feature maps of one size, their channels after one another. */
export class Concatenation extends nn.Module<Tensor[]> {
  forward(...maps: Tensor[]): Tensor {
    return cat(maps, 1);
  }
}
