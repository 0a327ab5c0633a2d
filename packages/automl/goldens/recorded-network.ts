import { nn, type Tensor, tensor, tidy } from '@fovea/torch';
import { z } from 'zod';

const list = z.array(z.number());
const kernels = z.array(z.array(z.array(list)));

/** The small network of the files on explanations, with all its weights. */
export const networkFigures = z.object({
  conv1_weight: kernels,
  conv1_bias: list,
  bn_gamma: list,
  bn_beta: list,
  bn_mean: list,
  bn_var: list,
  bn_eps: z.number(),
  conv2_weight: kernels,
  conv2_bias: list,
  conv2_stride: z.number(),
  fc_weight: z.array(list),
  fc_bias: list,
});

/** Convolution, batch norm, ReLU, convolution with a stride, ReLU, global average, linear: in double precision. */
export class RecordedNetwork extends nn.Module {
  conv1;
  bn;
  conv2;
  fc;

  constructor(figures: z.infer<typeof networkFigures>) {
    super();
    const { conv1_weight, conv2_weight, fc_weight } = figures;
    const convolution = (weight: typeof conv1_weight, stride: number) =>
      new nn.Conv2d(weight[0].length, weight.length, weight[0][0].length, {
        stride,
        padding: weight[0][0].length >> 1,
      });
    this.conv1 = convolution(conv1_weight, 1);
    this.bn = new nn.BatchNorm2d(conv1_weight.length, { eps: figures.bn_eps });
    this.conv2 = convolution(conv2_weight, figures.conv2_stride);
    this.fc = new nn.Linear(fc_weight[0].length, fc_weight.length);
    this.to({ dtype: 'float64' }).eval();
    tidy(() => {
      const state = Object.entries({
        'conv1.weight': conv1_weight,
        'conv1.bias': figures.conv1_bias,
        'bn.weight': figures.bn_gamma,
        'bn.bias': figures.bn_beta,
        'bn.running_mean': figures.bn_mean,
        'bn.running_var': figures.bn_var,
        'conv2.weight': conv2_weight,
        'conv2.bias': figures.conv2_bias,
        'fc.weight': fc_weight,
        'fc.bias': figures.fc_bias,
      }).map(([name, values]): [string, Tensor] => [name, tensor(values, { dtype: 'float64' })]);
      this.loadStateDict(new Map(state), { strict: false });
    });
  }

  forward(x: Tensor): Tensor {
    const y = this.conv2.forward(this.bn.forward(this.conv1.forward(x)).relu()).relu();
    return this.fc.forward(y.mean([2, 3]));
  }

  /** The layer of that name. @throws Error when there is none */
  layer(name: string): nn.AnyModule {
    const found = this.namedModules().get(name);
    if (found) return found;
    throw new Error(`the network has no layer ${name}`);
  }
}
