import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromTypedArray, fullLike, tensor, zeros } from './create.ts';
import { call, Generator, hasOp, ops, recordCalls, schemas, type Tensor, TorchError } from './index.ts';

function failure(work: () => unknown): TorchError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof TorchError, `a ${error} instead of a TorchError`);
    return error;
  }
  return assert.fail('nothing was thrown');
}

describe('an operator that fails', () => {
  test('names itself, the shapes and dtypes of its arguments, and the reason', () => {
    const error = failure(() =>
      ops.conv2d(zeros([1, 3, 4, 4]), zeros([2, 4, 3, 3], { dtype: 'float64' }), null, [1, 1]),
    );
    assert.equal(error.operator, 'aten::conv2d');
    assert.deepEqual(error.arguments, ['float32[1,3,4,4]', 'float64[2,4,3,3]', 'null', '[1, 1]']);
    assert.match(error.reason, /expected input\[1, 3, 4, 4\] to have 4 channels/);
    assert.equal(
      error.message,
      `aten::conv2d: ${error.reason}\n  called with (float32[1,3,4,4], float64[2,4,3,3], null, [1, 1])`,
    );
    assert.equal(error.name, 'TorchError');
  });

  test('shows no C++: neither a stack nor a list of source files', () => {
    const errors = [
      failure(() => zeros([2, 3]).matmul(zeros([4, 5]))),
      failure(() => zeros([2], { device: 'mps' })),
      failure(() => ops.indexSelect(zeros([2]), 0, tensor([7], { dtype: 'int64' }))),
      failure(() => zeros([3]).view([2])),
    ];
    for (const { message } of errors) assert.doesNotMatch(message, /\.cpp|\.h:|frame #|Exception raised|registered at/);
    assert.match(errors[1].reason, /^there is no 'aten::empty\.memory_format' for MPS, only for CPU, .*[A-Z]\w+$/);
  });

  test('for want of memory says so in a field', () => {
    const error = failure(() => zeros([1e9, 1e6]));
    assert.equal(error.outOfMemory, true);
    assert.equal(failure(() => zeros([-1])).outOfMemory, false);
  });

  test('leaves the engine as it was', () => {
    const x = tensor([1, 2]);
    for (let i = 0; i < 100; i++) failure(() => x.matmul(zeros([3])));
    assert.deepEqual(x.add(1).toArray(), [2, 3]);
  });
});

describe('an argument of the wrong kind', () => {
  const x = zeros([2, 2]);
  const cases: [given: string, work: () => unknown, reason: RegExp][] = [
    [
      'a number for a tensor',
      () => call('aten::add.Tensor', 3, x),
      /argument self: a tensor belongs where 3 was given/,
    ],
    ['a typed array for a tensor', () => call('aten::relu', new Float32Array(2)), /a tensor belongs where/],
    ['a tensor for a number', () => call('aten::clamp', x, x), /argument min: a plain value \(see item\(\)\) belongs/],
    [
      'a tensor for a list of tensors',
      () => call('aten::cat', x),
      /argument tensors \(Tensor\[\]\): expected an array/,
    ],
    [
      'a number in a list of tensors',
      () => call('aten::cat', [x, 1]),
      /argument tensors: a tensor belongs where 1 was/,
    ],
    [
      'a tensor in a list of numbers',
      () => call('aten::view', x, [x]),
      /argument size \(.*\[\]\): expected an integer/,
    ],
    ['null for a tensor', () => call('aten::relu', null), /argument self \(Tensor\): must not be null/],
    ['nothing for a tensor', () => call('aten::relu'), /argument self \(Tensor\): is missing/],
    ['too many', () => call('aten::relu', x, 1, x), /takes at most 1 arguments, got 3/],
    ['far too many', () => call('aten::relu', ...Array(40).fill(x)), /takes at most 1 arguments, got 40/],
    [
      'NaN for an integer',
      () => call('aten::select.int', x, 0, Number.NaN),
      /argument index \(.*int\): expected an integer/i,
    ],
    [
      'a fraction for an integer',
      () => call('aten::select.int', x, 0.5, 0),
      /argument dim \(int\): expected an integer/,
    ],
    ['infinity for an integer', () => call('aten::select.int', x, 0, Number.POSITIVE_INFINITY), /expected an integer/],
    ['2^63 for an integer', () => call('aten::select.int', x, 0, 2 ** 63), /expected an integer/],
    ['2n^63 for an integer', () => call('aten::select.int', x, 0, 2n ** 63n), /the integer does not fit 64 bits/],
    ['a boolean for an integer', () => call('aten::select.int', x, true, 0), /expected an integer/],
    ['a string for an integer', () => call('aten::select.int', x, 'float32', 0), /expected an integer/],
    ['a string for a number', () => call('aten::add.Scalar', x, '1'), /argument other \(Scalar\): expected a number/],
    [
      'a number for a boolean',
      () => call('aten::sum.dim_IntList', x, [0], 1),
      /argument keepdim \(bool\): expected true/,
    ],
    ['a number for a string', () => call('aten::einsum', 1, [x]), /argument equation \(str\): expected a string/],
    [
      'an unknown dtype',
      () => call('aten::zeros', [2], 'float31'),
      /unknown dtype 'float31'; there are float32, float64,/,
    ],
    ['a dtype as its number', () => call('aten::zeros', [2], 6), /argument dtype \(ScalarType\?\): expected a string/],
    [
      'an unknown memory format',
      () => call('aten::contiguous', x, 'nhwc'),
      /there are contiguous, channels_last and pres/,
    ],
    [
      'a number for a generator',
      () => call('aten::bernoulli', x, 0),
      /argument generator: a generator belongs where 0/,
    ],
    [
      'a tensor for a generator',
      () => call('aten::bernoulli', x, x),
      /a generator belongs where float32\[2,2\] was given/,
    ],
    ['a generator nobody made', () => call('aten::bernoulli', x, { index: 9999 }), /there is no such generator/],
    ['a generator for a number', () => call('aten::add.Scalar', x, new Generator(0)), /expected a number/],
    ['an object for an integer', () => call('aten::select.int', x, {}, 0), /expected an integer/],
    ['a symbol', () => call('aten::select.int', x, Symbol('dim'), 0), /expected an integer/],
  ];
  for (const [given, work, reason] of cases) {
    test(`is refused: ${given}`, () => assert.match(failure(work).reason, reason));
  }

  test('is refused: a disposed tensor', () => {
    const gone = zeros([1]);
    gone.dispose();
    const error = failure(() => x.add(gone));
    assert.match(error.reason, /argument other \(Tensor\): the tensor was disposed/);
    assert.deepEqual(error.arguments.slice(0, 2), ['float32[2,2]', 'disposed tensor']);
    assert.match(
      failure(() => gone.shape).message,
      /^shape: the tensor was disposed\n {2}called with \(disposed tensor\)$/,
    );
  });

  test('long lists are cut in the message', () => {
    const error = failure(() => call('aten::cat', Array(20).fill(x), 9));
    assert.match(error.arguments[0], /^\[(float32\[2,2\], ){8}… 20\]$/);
  });
});

describe('call', () => {
  test('takes defaults for what is left out or undefined, and null for None', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    assert.deepEqual((call('aten::sum.dim_IntList', x, [0]) as Tensor).toArray(), [4, 6]);
    assert.deepEqual((call('aten::sum.dim_IntList', x, null, undefined) as Tensor).toArray(), 10);
    assert.deepEqual((call('aten::add.Tensor', x, x, undefined) as Tensor).toArray(), [
      [2, 4],
      [6, 8],
    ]);
  });

  test('spreads one number over a list of fixed length', () => {
    const x = zeros([1, 1, 4, 6]);
    assert.deepEqual(ops.avgPool2d(x, 2).shape, [1, 1, 2, 3]);
    assert.deepEqual(ops.avgPool2d(x, [2, 3], 1).shape, [1, 1, 3, 4]);
  });

  test('takes integers of 64 bits as bigints', () => {
    const x = call('aten::full', [1], 2n ** 62n, 'int64') as Tensor;
    assert.deepEqual(x.data(), BigInt64Array.of(2n ** 62n));
  });

  test('gives plain values, lists, tuples, dtypes and nothing, as the schema says', () => {
    const x = tensor([3, 1, 2]);
    assert.equal(call('aten::equal', x, x), true);
    assert.equal(call('aten::size.int', x, 0), 3);
    assert.equal(call('aten::item', x.sum()), 6);
    assert.equal(call('aten::result_type.Tensor', x, tensor([1], { dtype: 'float64' })), 'float64');
    assert.equal((call('aten::chunk', x, 3) as Tensor[]).length, 3);
    const [values, indices] = call('aten::sort', x) as Tensor[];
    assert.deepEqual(
      [values.toArray(), indices.toArray()],
      [
        [1, 2, 3],
        [1, 2, 0],
      ],
    );
    assert.equal(call('aten::_foreach_add_.Scalar', [x], 1), undefined);
    assert.deepEqual(x.toArray(), [4, 2, 3]);
  });

  test('gives the very argument that an in-place or out= operator writes to', () => {
    const x = tensor([1, 2]);
    assert.equal(call('aten::add_.Tensor', x, x), x);
    const out = zeros([2]);
    assert.equal(call('aten::add.out', x, x, 1, out), out);
    assert.deepEqual(out.toArray(), [4, 8]);
  });

  test('gives null for a tensor that is not there', () => {
    const x = zeros([1, 1, 4, 4]);
    const gradients = call(
      'aten::convolution_backward',
      ones(x),
      x,
      ones(zeros([1, 1, 1, 1])),
      [1],
      [1, 1],
      [0, 0],
      [1, 1],
      false,
      [0, 0],
      1,
      [true, false, true],
    ) as (Tensor | null)[];
    assert.deepEqual(
      gradients.map((each) => each === null),
      [false, true, false],
    );
  });

  test('does not know an operator that this libtorch lacks', () => {
    assert.match(
      failure(() => call('aten::nope', 1)).message,
      /^aten::nope: libtorch \d+\.\d+\.\d+\S* has no such operator/,
    );
    assert.match(failure(() => call('nonsense')).message, /no such operator/);
    assert.equal(hasOp('aten::nope'), false);
    assert.equal(hasOp('aten::add'), false);
    assert.equal(hasOp('aten::add.Tensor'), true);
    assert.equal(hasOp('aten::_foreach_add_.List'), true);
    assert.equal(hasOp(''), false);
  });

  test('reaches all that libtorch registers', () => {
    const all = schemas();
    assert.ok(all.length > 2000);
    assert.ok(
      all.some((schema) => schema.startsWith('aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)')),
    );
  });
});

const ones = (like: Tensor) => fullLike(like, 1);

describe('a recording', () => {
  test('holds the calls made from TypeScript, with arguments and results', () => {
    const x = tensor([1, -2]);
    const { result, calls } = recordCalls(() => x.relu().add(1).topk(1));
    assert.deepEqual(
      calls.map((each) => each.operator),
      ['aten::relu', 'aten::add.Scalar', 'aten::topk'],
    );
    assert.equal(calls[0].args[0], x);
    assert.equal(calls[1].args[0], calls[0].outputs[0]);
    assert.deepEqual(calls[2].outputs, result);
    assert.deepEqual(calls[1].parameters, ['self', 'other', 'alpha']);
    assert.match(calls[1].schema, /^aten::add\.Scalar\(/);
  });

  test('nests, ends with its function, and holds nothing of a call that failed', () => {
    const x = fromTypedArray(new Float32Array(2));
    const outer = recordCalls(() => {
      const inner = recordCalls(() => x.neg());
      assert.equal(inner.calls.length, 1);
      assert.throws(() => recordCalls(() => x.matmul(zeros([3, 3]))), TorchError);
      x.abs();
    });
    x.abs();
    assert.deepEqual(
      outer.calls.map((each) => each.operator),
      ['aten::abs'],
    );
  });
});
