import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualSeed, nn, noGrad, ops, rand, randn, type Tensor, tidy } from '@fovea/torch';
import { normalised } from '../models/resnet.ts';
import { FrozenBatchNorm2d } from './frozen-batch-norm.ts';

const differs = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() / b.abs().max().item();

for (const bias of [false, true]) {
  test(`together with a convolution ${bias ? 'with' : 'without'} bias, training has the same numbers and gradients`, () =>
    tidy(() => {
      manualSeed(3);
      const convolution = new nn.Conv2d(6, 10, 3, { stride: 2, padding: 1, bias });
      const norm = new FrozenBatchNorm2d(10);
      noGrad(() => {
        for (const buffer of [norm.weight, norm.running_var]) buffer.copy_(rand([10]).add(0.2));
        for (const buffer of [norm.bias, norm.running_mean]) buffer.copy_(randn([10]));
      });
      const image = randn([2, 6, 9, 11]);
      const of = (apply: (x: Tensor) => Tensor) => {
        convolution.zeroGrad();
        const x = image.clone();
        x.requiresGrad = true;
        const y = apply(x);
        y.square().sum().backward();
        const gradients = [x, ...convolution.parameters()].map(({ grad }) => grad ?? ops.zerosLike(x));
        return [y.detach(), ...gradients.map((gradient) => gradient.clone())];
      };
      const apart = of((x) => norm.forward(convolution.forward(x)));
      const together = of((x) => normalised(convolution, norm, x));
      assert.equal(together.length, bias ? 4 : 3);
      for (const [i, tensor] of together.entries()) assert.ok(differs(tensor, apart[i]) < 1e-5);
    }));
}
