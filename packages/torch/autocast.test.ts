import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { autocast } from './autocast.ts';
import { randn, zeros } from './create.ts';
import { type DType, ops, Parameter, TorchError, tidy } from './index.ts';

const convolved = (): DType => tidy(() => ops.conv2d(zeros([1, 2, 4, 4]), zeros([3, 2, 3, 3])).dtype);

describe('autocast', () => {
  test('computes convolutions and matrix products in bfloat16, and the rest as it comes', () => {
    autocast({}, () => {
      assert.equal(convolved(), 'bfloat16');
      assert.equal(zeros([2, 3]).matmul(zeros([3, 2])).dtype, 'bfloat16');
      assert.equal(zeros([2]).add(1).dtype, 'float32');
      assert.equal(ops.mseLoss(zeros([2]), zeros([2])).dtype, 'float32');
    });
    assert.equal(convolved(), 'float32');
  });

  test('nests, also off inside of on', () => {
    autocast({ device: 'cpu', dtype: 'bfloat16' }, () => {
      autocast({ enabled: false }, () => {
        assert.equal(convolved(), 'float32');
        autocast({}, () => assert.equal(convolved(), 'bfloat16'));
        assert.equal(convolved(), 'float32');
      });
      assert.equal(convolved(), 'bfloat16');
    });
    autocast({ enabled: false }, () => assert.equal(convolved(), 'float32'));
    assert.equal(convolved(), 'float32');
  });

  test('ends with an exception too', () => {
    assert.throws(() => autocast({}, () => zeros([2]).matmul(zeros([3]))), TorchError);
    assert.equal(convolved(), 'float32');
    assert.throws(() => autocast({}, () => autocast({ enabled: false }, () => assert.fail('inside'))), /inside/);
    assert.equal(convolved(), 'float32');
  });

  test('gives what it was given, and takes no async function', async () => {
    assert.equal(
      autocast({}, () => 'result'),
      'result',
    );
    await assert.rejects(async () => autocast({}, async () => 1), /autocast takes no async function/);
    assert.equal(convolved(), 'float32');
  });

  test('keeps gradients in the dtype of the parameters', () => {
    const weight = new Parameter(randn([3, 2, 3, 3]));
    const loss = autocast({}, () =>
      ops
        .conv2d(randn([2, 2, 6, 6]), weight)
        .float()
        .square()
        .mean(),
    );
    loss.backward();
    assert.equal(weight.grad?.dtype, 'float32');
    assert.ok((weight.grad?.norm().item() ?? 0) > 0);
  });

  test('sees a parameter that an optimiser changed', () => {
    const weight = new Parameter(zeros([1, 1]));
    const product = () => autocast({}, () => zeros([1, 1]).add(1).matmul(weight).item());
    assert.equal(product(), 0);
    weight.detach().fill_(2);
    assert.equal(product(), 2);
  });

  test('is for cpu and cuda', () => {
    assert.throws(() => autocast({ device: 'gpu' }, convolved), /unknown device 'gpu'/);
    assert.throws(() => autocast({ device: 'meta' }, convolved), /mixed precision is for cpu and cuda/);
    assert.equal(convolved(), 'float32');
  });
});
