import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  arange,
  empty,
  eye,
  fromTypedArray,
  full,
  linspace,
  ones,
  onesLike,
  tensor,
  where,
  zeros,
  zerosLike,
} from './create.ts';
import { type DType, Tensor, TorchError, type TypedArray } from './index.ts';
import { inOwnProcess } from './own-process.ts';

const arrays: [TypedArray, DType][] = [
  [Float32Array.of(1.5, -2, 3, 4, 5, 6), 'float32'],
  [Float64Array.of(Math.PI, -2, 3, 4, 5, 6), 'float64'],
  [Float16Array.of(1.5, -2, 3, 4, 5, 6), 'float16'],
  [BigInt64Array.of(2n ** 62n, -2n, 3n, 4n, 5n, 6n), 'int64'],
  [Int32Array.of(2 ** 31 - 1, -2, 3, 4, 5, 6), 'int32'],
  [Int16Array.of(-32768, -2, 3, 4, 5, 6), 'int16'],
  [Int8Array.of(-128, -2, 3, 4, 5, 6), 'int8'],
  [Uint8Array.of(255, 2, 3, 4, 5, 6), 'uint8'],
  [Uint8ClampedArray.of(255, 2, 3, 4, 5, 6), 'uint8'],
];

describe('a tensor over a typed array', () => {
  for (const [array, dtype] of arrays) {
    test(`is its very memory: ${array.constructor.name} as ${dtype}`, () => {
      using x = fromTypedArray(array, [2, 3]);
      assert.deepEqual([x.shape, x.dtype, x.device], [[2, 3], dtype, 'cpu']);
      assert.deepEqual([...(x.data() as Iterable<unknown>)], [...(array as Iterable<unknown>)]);
      const [first] = array;
      array[0] = array[1];
      assert.equal(x.data()[0], array[1], 'a write to the array shows in the tensor');
      x.select(0, 0).select(0, 1).fill_(7);
      assert.equal(Number(array[1]), 7, 'a write to the tensor shows in the array');
      array[0] = first;
    });
  }

  test('may start inside of a buffer, or stand on shared memory', () => {
    const buffer = new Float32Array([0, 1, 2, 3]).buffer;
    const inside = fromTypedArray(new Float32Array(buffer, 4, 2));
    assert.deepEqual(inside.toArray(), [1, 2]);
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(9);
    assert.deepEqual(fromTypedArray(shared, [2, 2]).toArray(), [
      [9, 9],
      [9, 9],
    ]);
    assert.deepEqual(fromTypedArray(Buffer.from('az')).toArray(), [97, 122]);
  });

  test('may be empty', () => {
    assert.deepEqual(fromTypedArray(new Float32Array(0)).shape, [0]);
    assert.deepEqual(fromTypedArray(new Float32Array(0), [0, 3]).toArray(), []);
  });

  test('needs a shape of as many elements', () => {
    assert.throws(() => fromTypedArray(new Float32Array(6), [2, 2]), {
      name: 'TorchError',
      message: /the array holds 24 bytes, the shape needs 16[\s\S]*Float32Array, 'float32', \[2, 2\]/,
    });
    assert.throws(() => fromTypedArray(new Float32Array(6), [-2, -3]), TorchError);
    assert.throws(() => fromTypedArray(new Float32Array(6), [2.5, 2]), /expected an integer/);
    const endless: unknown[] = [];
    endless.push(endless);
    assert.throws(() => fromTypedArray(new Float32Array(6), endless as number[]), /expected an integer[\s\S]*\[…\]/);
    const gone = new Float32Array(2);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    assert.throws(() => fromTypedArray(gone, [2]), /the array holds 0 bytes/);
  });

  test('refuses what libtorch has no dtype for, and memory that can go away', () => {
    const unknown = new Uint32Array(2) as unknown as Int32Array;
    assert.throws(() => fromTypedArray(unknown), /libtorch has no dtype for Uint32Array/);
    const resizable = new Float32Array(new ArrayBuffer(8, { maxByteLength: 16 }));
    assert.throws(() => fromTypedArray(resizable), /resizable/);
  });

  test('keeps the array alive as long as its memory is used, and no longer', () => {
    const { status, output } = inOwnProcess(
      `
      import { fromTypedArray } from './index.ts';
      const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
      const sweep = async () => { for (let i = 0; i < 4; i++) { gc(); await turn(); } };
      const make = () => {
        const array = new Float32Array(1e6).fill(3);
        return [fromTypedArray(array), new WeakRef(array)];
      };
      const [x, array] = make();
      const view = x.narrow(0, 5, 10);
      await sweep();
      for (let i = 0; i < 20; i++) new Float32Array(1e6).fill(i);
      console.log(array.deref() !== undefined, x.sum().item());
      x.dispose();
      await sweep();
      console.log(array.deref() !== undefined, view.sum().item());
      view.dispose();
      view.isDisposed || console.log('view lives');
      fromTypedArray(new Float32Array(1)).dispose();
      await sweep();
      console.log(array.deref() !== undefined);
      `,
      ['--expose-gc'],
    );
    assert.equal(output, 'true 3000000\ntrue 30\nfalse\n');
    assert.equal(status, 0);
  });
});

describe('a tensor from values', () => {
  test('has the shape of the nested arrays', () => {
    const cases: [Parameters<typeof tensor>[0], number[]][] = [
      [5, []],
      [[1, 2, 3], [3]],
      [
        [[1], [2]],
        [2, 1],
      ],
      [
        [[[1, 2, 3]], [[4, 5, 6]]],
        [2, 1, 3],
      ],
      [[], [0]],
      [
        [[], []],
        [2, 0],
      ],
    ];
    for (const [values, shape] of cases) {
      using x = tensor(values);
      assert.deepEqual(x.shape, shape);
      assert.deepEqual(x.toArray(), values);
      assert.equal(x.dtype, 'float32');
    }
  });

  test('is float32 for numbers, bool for booleans, the array’s for a typed array, or what was asked for', () => {
    assert.equal(tensor([1, 2]).dtype, 'float32');
    assert.equal(tensor([true, false]).dtype, 'bool');
    assert.equal(tensor(true).dtype, 'bool');
    assert.equal(tensor([true, 2]).dtype, 'float32');
    for (const [array, dtype] of arrays) assert.equal(tensor(array).dtype, dtype);
    assert.equal(tensor([1, 2], { dtype: 'int64' }).dtype, 'int64');
    assert.equal(tensor([true, false], { dtype: 'float32' }).dtype, 'float32');
    assert.deepEqual(tensor([0, 2, Number.NaN], { dtype: 'bool' }).toArray(), [0, 1, 1]);
  });

  test('holds integers up to 2^53 exactly', () => {
    assert.equal(tensor([2 ** 53 - 1], { dtype: 'int64' }).item(), 2 ** 53 - 1);
    assert.equal(tensor([2 ** 53 - 1], { dtype: 'float64' }).item(), 2 ** 53 - 1);
  });

  test('is a copy', () => {
    const array = Float32Array.of(1, 2);
    const x = tensor(array);
    array[0] = 9;
    assert.deepEqual(x.toArray(), [1, 2]);
  });

  test('refuses ragged arrays and what is no number', () => {
    assert.throws(() => tensor([[1, 2], [3]]), /ragged arrays: 1 items where the first has 2/);
    assert.throws(() => tensor([[1], 2]), /ragged arrays: a number stands where the first has an array/);
    assert.throws(() => tensor([1, [2]]), /ragged arrays: an array stands where the first has a number/);
    assert.throws(() => tensor([[], [1]]), /ragged arrays: 1 items where the first has 0/);
    assert.throws(() => tensor([1, null] as unknown as number[]), /a tensor holds numbers or booleans, not null/);
    assert.throws(() => tensor(['1'] as unknown as number[]), /not string/);
    assert.throws(() => tensor([undefined, 1] as unknown as number[]), /not undefined/);
  });
});

test('factories', () => {
  assert.deepEqual(zeros([2, 2]).toArray(), [
    [0, 0],
    [0, 0],
  ]);
  assert.deepEqual(ones([2], { dtype: 'int8' }).data(), Int8Array.of(1, 1));
  assert.deepEqual(full([2], 1.5, { dtype: 'bfloat16' }).toArray(), [1.5, 1.5]);
  assert.deepEqual(full([1], 2).dtype, 'float32');
  assert.deepEqual(arange(0, 3).data(), BigInt64Array.of(0n, 1n, 2n));
  assert.deepEqual(arange(1, 0, -0.5, { dtype: 'float32' }).toArray(), [1, 0.5]);
  assert.deepEqual(linspace(0, 1, 5).toArray(), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(eye(2).toArray(), [
    [1, 0],
    [0, 1],
  ]);
  assert.deepEqual(zerosLike(ones([2], { dtype: 'int32' })).data(), Int32Array.of(0, 0));
  assert.deepEqual(onesLike(zeros([])).item(), 1);
  assert.deepEqual(where(tensor([true, false]), tensor([1, 2]), tensor([3, 4])).toArray(), [1, 4]);
  const images = empty([2, 3, 4, 5], { memoryFormat: 'channels_last' });
  assert.deepEqual([images.isContiguous(), images.isContiguous('channels_last')], [false, true]);
  assert.deepEqual(images.strides, [60, 1, 15, 3]);
  assert.deepEqual(zeros([0, 3]).toArray(), []);
  assert.equal(zeros([]).item(), 0);
});

test('raw bytes become a tensor of any dtype, copied', () => {
  const bytes = Uint8Array.of(0x80, 0x3f, 0x00, 0xc0);
  const x = Tensor.fromBytes(bytes, 'bfloat16', [2]);
  bytes.fill(0);
  assert.deepEqual(x.toArray(), [1, -2]);
  assert.deepEqual(x.toBytes(), Uint8Array.of(0x80, 0x3f, 0x00, 0xc0));
  assert.throws(() => Tensor.fromBytes(bytes, 'float64', [1]), /the array holds 4 bytes, the shape needs 8/);
});
