import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cat, fromTypedArray, ones, stack, tensor, zeros } from './create.ts';
import { call, cudaIsAvailable, type DType, type Tensor, TorchError } from './index.ts';

const matrix = () =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

describe('the values of a tensor', () => {
  const cases: [DType, number[]][] = [
    ['float64', [1.1, -2]],
    ['float32', [0.5, -2]],
    ['float16', [0.5, -65504]],
    ['bfloat16', [0.5, -(2 ** 100)]],
    ['int64', [2 ** 53 - 1, -(2 ** 53) + 1]],
    ['int32', [2 ** 31 - 1, -(2 ** 31)]],
    ['int16', [32767, -32768]],
    ['int8', [127, -128]],
    ['uint8', [255, 0]],
    ['bool', [1, 0]],
  ];
  const arrays: Record<DType, string> = {
    float64: 'Float64Array',
    float32: 'Float32Array',
    float16: 'Float32Array',
    bfloat16: 'Float32Array',
    int64: 'BigInt64Array',
    int32: 'Int32Array',
    int16: 'Int16Array',
    int8: 'Int8Array',
    uint8: 'Uint8Array',
    bool: 'Uint8Array',
  };
  for (const [dtype, values] of cases) {
    test(`come out as they went in: ${dtype}`, () => {
      const x = tensor(values, { dtype });
      assert.equal(x.dtype, dtype);
      assert.deepEqual(x.toArray(), values);
      assert.equal(x.data().constructor.name, arrays[dtype]);
      assert.deepEqual(Array.from(x.data() as ArrayLike<number | bigint>, Number), values);
      assert.equal(x.select(0, 0).item(), values[0]);
    });
  }

  test('beyond 2^53 come as bigints, or not at all', () => {
    const x = tensor(BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n)));
    assert.deepEqual(x.data(), BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n)));
    assert.throws(() => x.toArray(), { name: 'RangeError', message: /use data\(\)/ });
    assert.throws(() => x.select(0, 1).item(), { name: 'RangeError', message: /-9223372036854775808/ });
  });

  test('are copies, in row-major order of the tensor and not of its memory', () => {
    const x = matrix();
    const values = x.t().data();
    assert.deepEqual(values, Float32Array.of(1, 4, 2, 5, 3, 6));
    x.zero_();
    assert.equal(values[0], 1);
    assert.deepEqual(matrix().unsqueeze(0).unsqueeze(0).contiguous('channels_last').toArray(), [[matrix().toArray()]]);
  });

  test('of a tensor that needs gradients can be read', () => {
    const x = matrix();
    x.requiresGrad = true;
    assert.equal(x.mul(2).sum().item(), 42);
    assert.deepEqual(x.mul(2).select(0, 0).toArray(), [2, 4, 6]);
  });

  test('item is for one element', () => {
    assert.equal(tensor([[7]]).item(), 7);
    assert.equal(tensor(Number.NaN).item(), Number.NaN);
    assert.equal(tensor(Number.NEGATIVE_INFINITY).item(), Number.NEGATIVE_INFINITY);
    assert.throws(() => matrix().item(), { name: 'TorchError', message: /^item: [\s\S]*float32\[2,3\]/ });
    assert.throws(() => zeros([0]).item(), TorchError);
  });

  test('without a JavaScript form are refused', () => {
    const complex = call('aten::complex', ones([1]), ones([1])) as Tensor;
    assert.throws(() => complex.data(), /elements of ComplexFloat have no JavaScript form/);
    assert.throws(() => complex.item(), /complex numbers have no JavaScript form/);
    assert.throws(() => (call('aten::to_sparse', ones([1])) as Tensor).data(), TorchError);
    assert.throws(() => zeros([1], { device: 'meta' }).data(), TorchError);
  });

  test('print with dtype, shape and device, and not when there are many', () => {
    assert.equal(String(matrix()), 'Tensor(float32 [2, 3] on cpu [[1,2,3],[4,5,6]])');
    assert.equal(String(zeros([100])), 'Tensor(float32 [100] on cpu)');
    const gone = zeros([1]);
    gone.dispose();
    assert.equal(String(gone), 'Tensor(disposed)');
  });
});

test('shape, size, strides, ndim and numel', () => {
  const x = zeros([2, 3, 4]);
  assert.deepEqual([x.shape, x.strides, x.ndim, x.numel], [[2, 3, 4], [12, 4, 1], 3, 24]);
  assert.deepEqual([x.size(0), x.size(-1)], [2, 4]);
  assert.throws(() => x.size(3), { name: 'RangeError', message: 'dimension 3 of a tensor with 3 dimensions' });
  assert.throws(() => x.size(-4), RangeError);
  const scalar = zeros([]);
  assert.deepEqual([scalar.shape, scalar.ndim, scalar.numel], [[], 0, 1]);
  assert.equal(zeros([0, 5]).numel, 0);
});

describe('arithmetic', () => {
  test('with numbers keeps the dtype of floats, and makes integers float where the number is a fraction', () => {
    const integers = tensor([1, 2], { dtype: 'int64' });
    const halves = tensor([1, 2], { dtype: 'bfloat16' });
    const booleans = tensor([true, false]);
    const cases: [Tensor, DType, number[]][] = [
      [integers.add(1), 'int64', [2, 3]],
      [integers.add(0.5), 'float32', [1.5, 2.5]],
      [integers.mul(2), 'int64', [2, 4]],
      [integers.mul(0.5), 'float32', [0.5, 1]],
      [integers.div(2), 'float32', [0.5, 1]],
      [integers.pow(2), 'int64', [1, 4]],
      [integers.sub(1, 2), 'int64', [-1, 0]],
      [halves.add(0.5), 'bfloat16', [1.5, 2.5]],
      [halves.mul(tensor([2, 2], { dtype: 'float64' })), 'float64', [2, 4]],
      [booleans.add(1), 'int64', [2, 1]],
      [integers.add(halves), 'bfloat16', [2, 4]],
      [integers.add(2 ** 60), 'float32', [2 ** 60, 2 ** 60]], // no longer a whole number that JavaScript holds exactly
      [tensor([1, 2], { dtype: 'float64' }).add(1e300), 'float64', [1e300, 1e300]],
      [tensor([1, -1]).mul(-0), 'float32', [-0, 0]],
    ];
    for (const [result, dtype, values] of cases) {
      assert.equal(result.dtype, dtype);
      assert.deepEqual(Array.from(result.data() as ArrayLike<number | bigint>, Number), values);
    }
  });

  test('with tensors broadcasts', () => {
    const x = matrix();
    assert.deepEqual(x.add(tensor([10, 20, 30])).toArray(), [
      [11, 22, 33],
      [14, 25, 36],
    ]);
    assert.deepEqual(x.sub(tensor([[1], [2]]), 2).toArray(), [
      [-1, 0, 1],
      [0, 1, 2],
    ]);
    assert.deepEqual(x.div(x).sum().item(), 6);
    assert.deepEqual(
      tensor([2, 3])
        .pow(tensor([3, 2]))
        .toArray(),
      [8, 9],
    );
    assert.throws(() => x.add(tensor([1, 2])), /must match the size of tensor b/);
  });

  test('of one tensor', () => {
    const x = tensor([1, 4]);
    assert.deepEqual(x.neg().toArray(), [-1, -4]);
    assert.deepEqual(x.neg().abs().toArray(), [1, 4]);
    assert.deepEqual(x.sqrt().toArray(), [1, 2]);
    assert.deepEqual(x.rsqrt().toArray(), [1, 0.5]);
    assert.deepEqual(x.square().toArray(), [1, 16]);
    assert.deepEqual(tensor([1.5, -1.5]).floor().toArray(), [1, -2]);
    assert.deepEqual(tensor([0.5, 1.5]).round().toArray(), [0, 2]);
    assert.deepEqual(tensor([-1, 2]).relu().toArray(), [0, 2]);
    assert.deepEqual(tensor([-9, 0.5, 9]).clamp(-1, 1).toArray(), [-1, 0.5, 1]);
    assert.deepEqual(tensor([-9, 9]).clamp(null, 1).toArray(), [-9, 1]);
    const near = (found: Tensor, expected: number) => assert.ok(Math.abs(found.item() - expected) < 1e-6);
    near(tensor(1).exp(), Math.E);
    near(tensor(2).log(), Math.LN2);
    near(tensor(0).sigmoid(), 0.5);
    near(tensor(0.3).tanh(), Math.tanh(0.3));
    near(tensor(1).gelu(), 0.8413447460685429);
    near(tensor(1).silu(), 0.7310585786300049);
    near(tensor([0, 0]).softmax(0).select(0, 0), 0.5);
    near(tensor([0, 0]).logSoftmax(-1).select(0, 0), -Math.LN2);
  });

  test('in place gives the tensor itself, and keeps its dtype', () => {
    const x = tensor([1, 2, 3]);
    const memory = x.view([3]);
    const y = x
      .add_(1)
      .mul_(2)
      .sub_(tensor([0, 0, 2]))
      .div_(2)
      .clamp_(2, null)
      .relu_();
    assert.equal(y, x);
    assert.deepEqual(memory.toArray(), [2, 3, 3]);
    assert.deepEqual(
      x
        .zero_()
        .fill_(4)
        .copy_(tensor([1, 2, 3], { dtype: 'int64' }))
        .toArray(),
      [1, 2, 3],
    );
    assert.deepEqual(x.addcmul_(ones([3]), ones([3]), 2).toArray(), [3, 4, 5]);
    assert.deepEqual(
      x
        .addcdiv_(ones([3]), x.clone(), 3)
        .sub_(3)
        .select(0, 0)
        .item(),
      1,
    );
    assert.deepEqual(
      x
        .fill_(0)
        .lerp_(ones([3]), 0.25)
        .toArray(),
      [0.25, 0.25, 0.25],
    );
    const integers = tensor([1, 2], { dtype: 'int64' });
    assert.throws(() => integers.add_(0.5), /can't be cast to the desired output type Long/);
    assert.throws(() => integers.div_(2), TorchError);
    assert.deepEqual(integers.toArray(), [1, 2]);
  });

  test('in place on what a gradient needs is refused', () => {
    const x = tensor([1, 2]);
    x.requiresGrad = true;
    assert.throws(() => x.add_(1), /a leaf Variable that requires grad is being used in an in-place operation/);
    assert.throws(() => x.view([2]).zero_(), /a view of a leaf Variable that requires grad/);
    const y = x.exp();
    const z = y.mul(2).sum();
    y.add_(1);
    assert.throws(() => z.add(y.sum()).backward(), /modified by an inplace operation/);
  });
});

test('comparisons are boolean', () => {
  const x = tensor([1, 2, 3]);
  const y = tensor([3, 2, 1]);
  assert.equal(x.eq(2).dtype, 'bool');
  assert.deepEqual(x.eq(2).toArray(), [0, 1, 0]);
  assert.deepEqual(x.ne(y).toArray(), [1, 0, 1]);
  assert.deepEqual(x.lt(y).toArray(), [1, 0, 0]);
  assert.deepEqual(x.le(2).toArray(), [1, 1, 0]);
  assert.deepEqual(x.gt(y).logicalNot().toArray(), [1, 1, 0]);
  assert.deepEqual(x.ge(y).toArray(), [0, 1, 1]);
  assert.deepEqual(
    tensor([1, Number.NaN, 1 / 0])
      .isFinite()
      .toArray(),
    [1, 0, 0],
  );
  assert.equal(x.equal(tensor([1, 2, 3])), true);
  assert.equal(x.equal(y), false);
});

test('reductions', () => {
  const x = matrix();
  assert.equal(x.sum().item(), 21);
  assert.deepEqual(x.sum(0).toArray(), [5, 7, 9]);
  assert.deepEqual(x.sum([0, 1], true).toArray(), [[21]]);
  assert.deepEqual(x.mean(-1, true).toArray(), [[2], [5]]);
  assert.equal(x.mean().item(), 3.5);
  assert.ok(Math.abs(x.std().item() - Math.sqrt(3.5)) < 1e-6);
  assert.deepEqual(
    x.std(1, false).toArray(),
    tensor([2 / 3, 2 / 3])
      .sqrt()
      .toArray(),
  );
  assert.deepEqual([x.max().item(), x.min().item()], [6, 1]);
  assert.deepEqual(
    x.maxDim(0).map((each) => each.toArray()),
    [
      [4, 5, 6],
      [1, 1, 1],
    ],
  );
  assert.deepEqual(
    x.minDim(1, true).map((each) => each.toArray()),
    [
      [[1], [4]],
      [[0], [0]],
    ],
  );
  assert.deepEqual([x.argmax().item(), x.argmin().item()], [5, 0]);
  assert.deepEqual(x.argmax(1).toArray(), [2, 2]);
  assert.deepEqual(x.topk(2)[0].toArray(), [
    [3, 2],
    [6, 5],
  ]);
  assert.deepEqual(x.sort(1, true)[1].toArray(), [
    [2, 1, 0],
    [2, 1, 0],
  ]);
  assert.equal(tensor([3, 4]).norm().item(), 5);
  assert.deepEqual(x.matmul(x.t()).toArray(), [
    [14, 32],
    [32, 77],
  ]);
  assert.equal(tensor([1, 2], { dtype: 'int32' }).sum().dtype, 'int64');
  assert.equal(zeros([0]).sum().item(), 0);
  assert.throws(() => zeros([0]).max(), TorchError);
});

describe('views', () => {
  test('are the same memory', () => {
    const array = Float32Array.of(1, 2, 3, 4, 5, 6);
    const x = fromTypedArray(array, [2, 3]);
    const views: Record<string, Tensor> = {
      reshape: x.reshape([3, 2]),
      view: x.view([6]),
      flatten: x.flatten(),
      permute: x.permute([1, 0]),
      transpose: x.transpose(0, 1),
      t: x.t(),
      unsqueeze: x.unsqueeze(0),
      squeeze: x.unsqueeze(0).squeeze(),
      squeezeDim: x.unsqueeze(1).squeeze(1),
      expand: x.unsqueeze(0).expand([4, 2, 3]),
      select: x.select(1, 0),
      narrow: x.narrow(0, 0, 1),
      slice: x.slice(1, null, null, 2),
      chunk: x.chunk(2)[0],
      split: x.split(1)[0],
      detach: x.detach(),
      contiguous: x.contiguous(),
      to: x.to({ dtype: 'float32' }),
    };
    array[0] = 100;
    for (const [name, view] of Object.entries(views)) assert.equal(view.max().item(), 100, name);
    views.select.fill_(7);
    assert.deepEqual(array, Float32Array.of(7, 2, 3, 7, 5, 6));
  });

  test('outlive the tensor they were made from', () => {
    const x = matrix();
    const row = x.select(0, 1);
    x.dispose();
    assert.deepEqual(row.toArray(), [4, 5, 6]);
  });

  test('have the shape that was asked for', () => {
    const x = zeros([2, 3, 4]);
    assert.deepEqual(x.reshape([-1, 4]).shape, [6, 4]);
    assert.deepEqual(x.flatten(1).shape, [2, 12]);
    assert.deepEqual(x.permute([2, 0, 1]).shape, [4, 2, 3]);
    assert.deepEqual(x.slice(2, 1, -1).shape, [2, 3, 2]);
    assert.deepEqual(x.slice(1, null, null, 2).shape, [2, 2, 4]);
    assert.deepEqual(
      x.chunk(2, 2).map((each) => each.shape),
      [
        [2, 3, 2],
        [2, 3, 2],
      ],
    );
    assert.deepEqual(
      x.split(2, 1).map((each) => each.shape),
      [
        [2, 2, 4],
        [2, 1, 4],
      ],
    );
    assert.throws(() => x.view([5]), /shape '\[5\]' is invalid for input of size 24/);
    assert.throws(() => x.permute([1, 0, 2]).view([24]), TorchError);
    assert.throws(() => x.select(0, 2), TorchError);
  });
});

test('indexing by tensors', () => {
  const x = matrix();
  const indices = tensor([1, 0, 1], { dtype: 'int64' });
  assert.deepEqual(x.index(indices).shape, [3, 3]);
  assert.deepEqual(x.index(null, indices).toArray(), [
    [2, 1, 2],
    [5, 4, 5],
  ]);
  assert.deepEqual(x.index(tensor([0, 1], { dtype: 'int64' }), tensor([2, 0], { dtype: 'int64' })).toArray(), [3, 4]);
  assert.deepEqual(x.index(x.gt(4)).toArray(), [5, 6]);
  assert.deepEqual(x.indexSelect(1, indices).toArray(), [
    [2, 1, 2],
    [5, 4, 5],
  ]);
  assert.deepEqual(x.gather(1, tensor([[2], [0]], { dtype: 'int64' })).toArray(), [[3], [4]]);
  assert.throws(() => x.index(tensor([2], { dtype: 'int64' })), /index 2 is out of bounds/);
  assert.throws(() => x.index(tensor([0.5])), TorchError);
});

test('joining', () => {
  const x = matrix();
  assert.deepEqual(cat([x, x]).shape, [4, 3]);
  assert.deepEqual(cat([x, x], 1).shape, [2, 6]);
  assert.deepEqual(stack([x, x, x], -1).shape, [2, 3, 3]);
  assert.throws(() => cat([]), TorchError);
});

describe('conversions', () => {
  test('change dtype, device and memory format', () => {
    const x = tensor([1.7, -1.7]);
    assert.deepEqual(x.to({ dtype: 'int32' }).data(), Int32Array.of(1, -1));
    assert.deepEqual(x.long().dtype, 'int64');
    assert.deepEqual(x.to({ dtype: 'float16' }).float().dtype, 'float32');
    assert.equal(x.cpu().device, 'cpu');
    assert.equal(x.to({ device: 'meta' }).device, 'meta');
    const images = zeros([2, 3, 4, 4]).to({ memoryFormat: 'channels_last' });
    assert.equal(images.isContiguous('channels_last'), true);
    assert.equal(images.clone().isContiguous('channels_last'), true, 'a copy keeps the format');
    assert.equal(images.clone('contiguous').isContiguous(), true);
    assert.equal(images.mul(2).isContiguous('channels_last'), true, 'so does what is computed from it');
    assert.equal(images.contiguous().isContiguous(), true);
    assert.throws(() => zeros([2]).contiguous('channels_last'), /required rank 4/);
  });

  test('copy only where something changes', () => {
    const x = matrix();
    const same = x.to({ dtype: 'float32' });
    same.zero_();
    assert.equal(x.sum().item(), 0);
    const copy = x.clone();
    copy.fill_(1);
    assert.equal(x.sum().item(), 0);
  });

  test('to a device that is not there say so', () => {
    const x = zeros([1]);
    assert.throws(() => x.to({ device: 'gpu' }), /unknown device 'gpu'; there are cpu, cuda and cuda:<number>/);
    assert.throws(() => zeros([1], { device: 'cuda:x' }), /unknown device 'cuda:x'/);
    assert.throws(() => zeros([1], { device: 'cuda:99' }), TorchError);
  });

  test('to cuda without CUDA say so', (t) => {
    if (cudaIsAvailable()) return t.skip('this machine has CUDA');
    assert.throws(() => zeros([1]).to({ device: 'cuda' }), /finds no CUDA device here/);
  });
});

test('setData lets a tensor stand for other memory and keep its place in the graph', () => {
  const x = tensor([1, 2]);
  x.requiresGrad = true;
  const data = tensor([[3, 4, 5]]);
  x.setData(data);
  assert.deepEqual(x.toArray(), [[3, 4, 5]]);
  assert.equal(x.requiresGrad, true);
  x.square().sum().backward();
  assert.deepEqual(x.grad?.toArray(), [[6, 8, 10]]);
  data.dispose();
  assert.equal(x.sum().item(), 12);
});
