import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arange,
  call,
  cat,
  Generator,
  nn,
  ops,
  Parameter,
  randn,
  recordCalls,
  stack,
  type Tensor,
  tensor,
} from '@fovea/torch';
import { exportOnnx } from './export.ts';
import { MAPPINGS, mappingOf } from './mapping/index.ts';
import { verifyOnnx } from './verify.ts';

type Weight = (shape: readonly number[]) => Tensor;

/** A model of one expression; each weight that it asks for is the same one at every pass. */
class Expression extends nn.Module {
  readonly #compute: (x: Tensor, weight: Weight) => Tensor;
  readonly #weights: Parameter[] = [];

  constructor(compute: (x: Tensor, weight: Weight) => Tensor) {
    super();
    this.#compute = compute;
  }

  override members(): Iterable<[string, unknown]> {
    return this.#weights.map((weight, i) => [`weight${i}`, weight]);
  }

  forward(x: Tensor): Tensor {
    let count = 0;
    return this.#compute(x, (shape) => {
      const i = count++;
      this.#weights[i] ??= new Parameter(randn(shape, { generator: new Generator(i) }));
      return this.#weights[i];
    });
  }
}

const positive = (x: Tensor) => x.abs().add(0.1);

/** Every mapped operator in the ways that models use it. Images are [N, 3, 12, 10]. */
const EXPRESSIONS: Record<string, (x: Tensor, weight: Weight) => Tensor> = {
  'whole enlarging': (x) => ops.upsampleNearest2d(x, [24, 30]),
  'conv2d, plain': (x, w) => ops.conv2d(x, w([4, 3, 3, 3])),
  'conv2d, bias, stride, padding': (x, w) => ops.conv2d(x, w([4, 3, 3, 5]), w([4]), [2, 1], [1, 2]),
  'conv2d, groups, dilation': (x, w) => ops.conv2d(x, w([6, 1, 3, 3]), null, 1, 2, 2, 3),
  'conv2d, same': (x, w) => call('aten::conv2d.padding', x, w([4, 3, 4, 3]), w([4]), 1, 'same', [1, 2]) as Tensor,
  'conv2d, valid': (x, w) => call('aten::conv2d.padding', x, w([4, 3, 4, 3]), null, 2, 'valid') as Tensor,
  convolution: (x, w) =>
    call('aten::convolution', x, w([4, 3, 3, 3]), w([4]), [1, 2], [1, 0], [1, 1], false, [0, 0], 1) as Tensor,
  'convolution, transposed': (x, w) =>
    call('aten::convolution', x, w([3, 4, 3, 3]), w([4]), [2, 2], [1, 1], [1, 1], true, [1, 1], 1) as Tensor,
  conv_transpose2d: (x, w) => ops.convTranspose2dInput(x, w([3, 4, 2, 2]), w([4]), 2),
  'conv_transpose2d, no bias, padding': (x, w) => ops.convTranspose2dInput(x, w([3, 4, 3, 2]), null, [1, 2], [1, 0]),
  batch_norm: (x, w) =>
    ops.batchNorm(x, w([3]), w([3]), w([3]).detach(), positive(w([3])).detach(), false, 0.1, 1e-3, true),
  'batch_norm, not affine': (x, w) =>
    ops.batchNorm(x, null, null, w([3]).detach(), positive(w([3])).detach(), false, 0.1, 1e-5, true),
  layer_norm: (x, w) => ops.layerNorm(x, [10], w([10]), w([10]), 1e-5),
  'layer_norm, not affine': (x) => ops.layerNorm(x, [12, 10]),
  max_pool2d: (x) => ops.maxPool2d(x, 3, 2, 1),
  'max_pool2d, no stride given': (x) => ops.maxPool2d(x, 2),
  'max_pool2d, dilation': (x) => ops.maxPool2d(x, 2, 1, 0, 2),
  'max_pool2d, ceil_mode': (x) => ops.maxPool2d(x, 3, 2, 0, 1, true),
  'max_pool2d, ceil_mode that drops a window': (x) => ops.maxPool2d(x, 2, 3, 1, 1, true),
  avg_pool2d: (x) => ops.avgPool2d(x, 2),
  'avg_pool2d, padding counts': (x) => ops.avgPool2d(x, 3, 2, 1),
  'avg_pool2d, padding does not count': (x) => ops.avgPool2d(x, 3, 2, 1, false, false),
  'avg_pool2d, ceil_mode': (x) => ops.avgPool2d(x, 3, 2, 0, true, false),
  'avg_pool2d, ceil_mode, counts': (x) => ops.avgPool2d(x, 3, 2, 0, true),
  'adaptive_avg_pool2d to 1': (x) => ops.adaptiveAvgPool2d(x, 1),
  'adaptive_avg_pool2d to a grid': (x) => ops.adaptiveAvgPool2d(x, [3, 5]),
  'linear, images': (x, w) => ops.linear(x, w([7, 10]), w([7])),
  'linear, no bias': (x, w) => ops.linear(x, w([7, 10])),
  'linear, vectors': (x, w) => ops.linear(x.flatten(1), w([7, 360]), w([7])),
  addmm: (x, w) => ops.addmm(w([5]), x.flatten(1), w([5, 360]).t(), 0.5, 2),
  matmul: (x) => x.matmul(x.transpose(2, 3)),
  bmm: (x) => ops.bmm(x.select(1, 0), x.select(1, 1).transpose(-2, -1)),
  'a square of vectors': (x) =>
    x
      .flatten(1)
      .narrow(1, 0, 4)
      .t()
      .unsqueeze(0)
      .sum(-1)
      .expand([x.size(0), -1]),
  'softmax, log_softmax': (x) =>
    x
      .softmax(-1)
      .add(x.logSoftmax(1))
      .add(ops._softmax(x, 2, false)),
  'add, sub with alpha': (x) => x.add(x.relu(), 0.5).sub(x.sigmoid(), 2).add(3).sub(1, 2),
  'numbers from the left': (x) => ops.rsubScalar(x, 1),
  'mul, div, pow': (x) => x.mul(x).mul(2).div(positive(x)).div(3).pow(2),
  'pow of tensors': (x) => positive(x).pow(x.sigmoid()),
  'tensors that are made on the way': (x) => x.mul(tensor([3])).add(arange(0, 10)),
  'maximum, minimum': (x) => ops.maximum(x, x.neg()).add(ops.minimum(x, x.mul(2))),
  functions: (x) => positive(x).log().add(x.exp()).add(positive(x).sqrt()).add(positive(x).rsqrt()).add(x.square()),
  'erf, reciprocal': (x) => ops.erf(x).add(ops.reciprocal(positive(x))),
  activations: (x) => x.relu().add(x.sigmoid()).add(x.tanh()).add(x.silu()),
  'hard activations': (x) =>
    ops
      .hardswish(x.mul(3))
      .add(ops.hardsigmoid(x.mul(3)))
      .add(ops.relu6(x.mul(5)))
      .add(ops.hardtanh(x)),
  gelu: (x) => x.gelu(),
  'gelu, tanh': (x) => ops.gelu(x, 'tanh'),
  leaky_relu: (x) => ops.leakyRelu(x, 0.2),
  clamp: (x) => x.clamp(-0.5, 0.7).add(x.clamp(0.1)).add(x.clamp(null, 0.3)).add(ops.clampMin(x, -1)),
  'in place': (x, w) =>
    ops
      .conv2d(x, w([3, 3, 1, 1]))
      .relu_()
      .add_(x, 2)
      .mul_(0.5)
      .clamp_(0, 1),
  'in place through a view': (x) => x.mul(2).flatten(1).relu_(),
  'reshape to vectors': (x) => x.reshape([x.size(0), -1]),
  'reshape to tokens': (x) => x.reshape([x.size(0), 3, 120]).permute([0, 2, 1]),
  'reshape across the batch': (x) =>
    x
      .reshape([x.size(0) * 3, 120])
      .softmax(-1)
      .view([x.size(0), 3, 12, 10]),
  'reshape that moves sizes to other dimensions': (x) =>
    x
      .permute([0, 2, 3, 1])
      .reshape([x.size(0), 1, x.size(2), x.size(3), 3])
      .reshape([x.size(0) * x.size(2), x.size(3), 3])
      .reshape([x.size(0), x.size(2), x.size(3) * 3]),
  'reshape to heads': (x) =>
    ops.unbindInt(x.reshape([x.size(0), 3, 12, 2, 5]).permute([3, 0, 1, 2, 4]), 0)[1].contiguous(),
  'flatten some': (x) => x.flatten(2).unsqueeze(1).squeeze(1),
  'flatten all but the last': (x) => x.flatten(0, 2).view([x.size(0), 360]),
  'expand to the batch': (x, w) =>
    cat(
      [
        w([1, 1, 120])
          .expand([x.size(0), -1, -1])
          .mul(x.flatten(2)),
        x.flatten(2),
      ],
      1,
    ),
  transposes: (x) => x.transpose(1, -1).permute([0, -1, 1, 2]).select(1, -1),
  squeeze: (x) =>
    x
      .narrow(1, 0, 1)
      .squeeze(1)
      .add(x.slice(1, 1, 2).squeeze()),
  'slices and selections': (x) => cat([x.slice(2, 1, -1, 2), x.narrow(2, 3, 2), x.select(2, -1).unsqueeze(2)], 2),
  'chunk, split': (x) => {
    const [a, b] = x.chunk(2, 2);
    const [c] = x.split(7, 2);
    const [d] = ops.splitWithSizes(x, [6, 4, 2], 2);
    return a.add(b).add(c.slice(2, 1)).mul(d);
  },
  stack: (x) => stack([x, x.relu()], -1).sum(-1),
  pad: (x) => ops.constantPadNd(x, [1, 2, 0, 3], 0.5),
  reductions: (x) =>
    x
      .mean([2, 3])
      .add(x.sum([2, 3]))
      .add(ops.amax(x, [2, 3]))
      .add(ops.amin(x, [2, 3])),
  'reductions of everything': (x) =>
    x
      .add(x.mean().sub(x.mean()).add(x.sum().mul(0)))
      .mean(-1, true)
      .sum([2, 3]),
  'dtypes and copies': (x) => x.to({ dtype: 'float64' }).mul(2).to({ dtype: 'float32' }).detach().clone().contiguous(),
  'dtypes, another way': (x) => ops.toDevice(x, 'cpu', 'float64').float(),
  dropout: (x) => ops.dropout(x, 0.5, false).relu(),
};

const tried = new Set<string>();

for (const [name, compute] of Object.entries(EXPRESSIONS)) {
  test(`${name}: the same in ONNX Runtime`, async () => {
    const model = new Expression(compute);
    for (const { operator } of recordCalls(() => model.forward(randn([2, 3, 12, 10]))).calls) tried.add(operator);
    const bytes = exportOnnx(model, { inputShape: [1, 3, 12, 10] });
    const { compared } = await verifyOnnx(bytes, model, { image: [3, 12, 10], tolerance: 1e-5 });
    assert.ok(compared > 0);
  });
}

test('every mapping was tried', () => {
  assert.deepEqual(
    Object.keys(MAPPINGS).filter((operator) => !tried.has(operator)),
    [],
  );
});

test('in-place operators have the mapping of the plain ones', () => {
  assert.equal(mappingOf('aten::relu_'), MAPPINGS['aten::relu']);
  assert.equal(mappingOf('aten::add_.Tensor'), MAPPINGS['aten::add.Tensor']);
  assert.equal(mappingOf('aten::_foreach_add_.List'), undefined);
});

test('the newest operator set computes the same', async () => {
  const model = new Expression((x) =>
    ops
      .gelu(x, 'tanh')
      .add(x.gelu())
      .mean([2, 3])
      .add(ops.amax(x, [2, 3])),
  );
  await verifyOnnx(exportOnnx(model, { inputShape: [1, 3, 12, 10], opset: 21 }), model, { image: [3, 12, 10] });
  assert.throws(() => exportOnnx(model, { inputShape: [1, 3, 12, 10], opset: 12 }), /opset 12 cannot be written/);
});
