import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fullLike, ones, randn, zeros } from '../create.ts';
import recorded from '../fixtures/nn.json' with { type: 'json' };
import { Buffer, Parameter, type Tensor } from '../tensor.ts';
import { BatchNorm2d, Conv2d, Dropout, Linear, Module, ModuleList, ReLU, Sequential, StateDictError } from './index.ts';

/** Children before parameters in the text, a shared parameter, a shared module, a buffer that is not saved. */
class Tied extends Module {
  first = new Linear(4, 4);
  scale = new Parameter(ones([1]));
  norm = new BatchNorm2d(4);
  again = this.first;
  list;
  table = new Buffer(zeros([2]));
  scratch = new Buffer(zeros([2]), false);

  constructor() {
    super();
    const tied = new Linear(4, 4, { bias: false });
    tied.weight = this.first.weight;
    this.list = new ModuleList([tied, new Sequential(new ReLU(), new Conv2d(2, 2, 1))]);
  }

  forward(x: Tensor): Tensor {
    return this.first.forward(x).mul(this.scale);
  }
}

const smallNet = (): Sequential =>
  new Sequential(new Conv2d(3, 4, 3), new BatchNorm2d(4), new Sequential(new Dropout(), new Conv2d(4, 2, 1)));

describe('names', () => {
  test('of state, parameters, buffers and modules come in the order of PyTorch', () => {
    const model = new Tied();
    assert.deepEqual([...model.stateDict().keys()], recorded.names.state_dict);
    assert.deepEqual([...model.namedParameters().keys()], recorded.names.parameters);
    assert.deepEqual([...model.namedBuffers().keys()], recorded.names.buffers);
    assert.deepEqual([...model.namedModules().keys()], recorded.names.modules);
  });

  test('a shared parameter counts once', () => {
    assert.equal(new Tied().parameterCount, 1 + (16 + 4) + 8 + (4 + 2));
  });
});

describe('loadStateDict', () => {
  test('copies values and keeps the identity of parameters', () => {
    const model = new Linear(2, 2);
    const { weight } = model;
    model.loadStateDict(
      new Map([
        ['weight', fullLike(model.weight, 3)],
        ['bias', ones([2])],
      ]),
    );
    assert.equal(model.weight, weight);
    assert.deepEqual(weight.toArray(), [
      [3, 3],
      [3, 3],
    ]);
    assert.equal(weight.requiresGrad, true);
  });

  test('names every key that is missing, unexpected or of another shape, and then copies nothing', () => {
    const model = new Linear(2, 3);
    const before = model.weight.toArray();
    const state = new Map([
      ['weight', zeros([3, 4])],
      ['extra', ones([1])],
    ]);
    assert.throws(
      () => model.loadStateDict(state),
      (error: StateDictError) => {
        assert.deepEqual(error.missing, ['bias']);
        assert.deepEqual(error.unexpected, ['extra']);
        assert.deepEqual(error.mismatched, [{ name: 'weight', expected: [3, 2], found: [3, 4] }]);
        assert.match(error.message, /weight: shape \[3,4\], but the model's is \[3,2\]/);
        return true;
      },
    );
    assert.throws(() => model.loadStateDict(state, { strict: false }), StateDictError);
    assert.deepEqual(model.weight.toArray(), before);
  });

  test('reports instead of throwing when it is not strict', () => {
    const report = new Linear(2, 3).loadStateDict(new Map([['extra', ones([1])]]), { strict: false });
    assert.deepEqual(report, { missing: ['weight', 'bias'], unexpected: ['extra'] });
  });

  test('takes checkpoints from before batch norms counted their batches', () => {
    const model = new Sequential(new BatchNorm2d(2));
    const old = new Map([...model.stateDict()].filter(([name]) => !name.endsWith('num_batches_tracked')));
    assert.deepEqual(model.loadStateDict(old), { missing: [], unexpected: [] });
  });
});

describe('modes', () => {
  test('train and eval reach every module', () => {
    const model = smallNet().eval();
    assert.ok([...model.namedModules().values()].every((module) => !module.training));
    model.train();
    assert.ok([...model.namedModules().values()].every((module) => module.training));
  });

  test('what is frozen gets no gradient and keeps its statistics, also after train()', () => {
    const model = smallNet();
    model.freeze(['0.', '1.']).train();
    const norm = model.at(1) as BatchNorm2d;
    const before = norm.running_mean?.toArray();
    model
      .forward(randn([2, 3, 8, 8]))
      .sum()
      .backward();
    assert.deepEqual(norm.running_mean?.toArray(), before);
    const learning = [...model.namedParameters()].filter(([, parameter]) => parameter.grad);
    assert.deepEqual(
      learning.map(([name]) => name),
      ['2.1.weight', '2.1.bias'],
    );
  });

  test('a prefix freezes whole names only', () => {
    const model = new Sequential(...Array.from({ length: 12 }, () => new Linear(1, 1)));
    model.freeze(['1.']);
    const frozen = [...model.namedParameters()].filter(([, parameter]) => !parameter.requiresGrad);
    assert.deepEqual(
      frozen.map(([name]) => name),
      ['1.weight', '1.bias'],
    );
  });
});

describe('forward hooks', () => {
  test('see inputs and output, may replace it, and go away again', () => {
    const layer = new Linear(2, 2);
    const model = new Sequential(layer, new ReLU());
    const x = ones([1, 2]);
    const plain = model.forward(x).toArray();
    const seen: unknown[] = [];
    const remove = layer.registerForwardHook(([input], output) => {
      seen.push(input === x, output.shape);
      return undefined;
    });
    const replace = layer.registerForwardHook((_, output) => fullLike(output, 5));
    assert.deepEqual(model.forward(x).toArray(), [[5, 5]]);
    assert.deepEqual(seen, [true, [1, 2]]);
    remove();
    replace();
    assert.deepEqual(model.forward(x).toArray(), plain);
    assert.equal(seen.length, 2);
  });

  test('do not disturb names', () => {
    const model = new Linear(2, 2);
    model.registerForwardHook(() => undefined);
    assert.deepEqual([...model.stateDict().keys()], ['weight', 'bias']);
  });
});

test('to changes dtype and layout in place and keeps parameters and what they count', () => {
  const model = smallNet();
  const parameters = model.parameters();
  model
    .forward(randn([2, 3, 8, 8]))
    .sum()
    .backward();
  model.to({ dtype: 'float64', memoryFormat: 'channels_last' });
  assert.ok(model.parameters().every((parameter, i) => parameter === parameters[i]));
  const dtypes = new Set([...model.stateDict()].map(([name, tensor]) => `${name.split('.').at(-1)} ${tensor.dtype}`));
  assert.ok(dtypes.has('weight float64') && dtypes.has('num_batches_tracked int64'));
  assert.equal(parameters[0].grad?.dtype, 'float64');
  assert.ok(parameters[0].isContiguous('channels_last'));
  model.zeroGrad();
  assert.ok(parameters.every((parameter) => parameter.grad === null));
  model
    .forward(randn([2, 3, 8, 8], { dtype: 'float64' }))
    .sum()
    .backward();
  assert.equal(parameters[0].grad?.dtype, 'float64');
});

test('apply reaches children before their parents', () => {
  const order: string[] = [];
  new Sequential(new ReLU(), new Sequential(new Linear(1, 1))).apply((module) => order.push(module.constructor.name));
  assert.deepEqual(order, ['ReLU', 'Linear', 'Sequential', 'Sequential']);
});
