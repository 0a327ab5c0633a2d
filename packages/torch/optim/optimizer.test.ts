import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ones, randn, tensor } from '../create.ts';
import recordedModules from '../fixtures/nn.json' with { type: 'json' };
import recorded from '../fixtures/optim/trajectories.json' with { type: 'json' };
import { liveTensors, tidy } from '../memory.ts';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  functional,
  Linear,
  type Module,
  ReLU,
  Sequential,
} from '../nn/index.ts';
import { manualSeed } from '../random.ts';
import { Parameter } from '../tensor.ts';
import { Adam, AdamW, clipGradientNorm, SGD } from './index.ts';

type Case = (typeof recorded.cases)[number];

function makeOptimizer({ type, args }: Case, parameters: Parameter[]): SGD | Adam | AdamW {
  const { lr, weight_decay, ...same } = { weight_decay: undefined, ...args };
  const options = { learningRate: lr, ...(weight_decay === undefined ? {} : { weightDecay: weight_decay }), ...same };
  if (type === 'SGD') return new SGD(parameters, options);
  return type === 'Adam' ? new Adam(parameters, options as object) : new AdamW(parameters, options as object);
}

function assertClose(found: ArrayLike<number>, expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(found[i] - value) <= 1e-6 * Math.abs(value), `${found[i]}, not ${value}`);
  }
}

const values = (x: { data(): unknown }): number[] => Array.from(x.data() as Float32Array);

describe('trajectories are those of PyTorch', () => {
  for (const one of recorded.cases) {
    test(one.name, () => {
      const x = new Parameter(tensor(recorded.x0));
      const optimizer = makeOptimizer(one, [x]);
      for (const [step, expected] of one.x_after_each_step.entries()) {
        const weight = tensor(recorded.a).mul(step === 1 ? 3 : 1);
        const loss = x.sub(tensor(recorded.c)).square().mul(weight).sum().mul(0.5);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        assertClose(values(x), expected);
      }
      const { tensors, settings } = optimizer.stateDict();
      for (const [name, expected] of Object.entries(one.final_state)) {
        const state = tensors.get(`0.${name}`);
        assertClose(name === 'step' ? settings.steps : values(state as Parameter), expected as number[]);
      }
    });
  }
});

const net = (): Sequential =>
  new Sequential(
    new Conv2d(3, 4, 3, { padding: 1 }),
    new BatchNorm2d(4),
    new ReLU({ inplace: true }),
    new Dropout(0.1),
    new Flatten(),
    new Linear(4 * 8 * 8, 3),
  );

function trainingStep(model: Module, optimizer: SGD | Adam | AdamW): number {
  return tidy(() => {
    const target = tensor([0, 1], { dtype: 'int64' });
    const loss = functional.crossEntropy(model.forward(randn([2, 3, 8, 8])), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

const OPTIMIZERS = {
  SGD: (model: Module) =>
    new SGD(model.parameters(), { learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  Adam: (model: Module) => new Adam(model.parameters(), { weightDecay: 1e-4, amsgrad: true }),
  AdamW: (model: Module) => new AdamW(model.parameters(), { learningRate: 1e-3 }),
};

describe('sixty training steps keep as many tensors as one', () => {
  for (const [name, make] of Object.entries(OPTIMIZERS)) {
    test(name, () => {
      const model = net();
      const optimizer = make(model);
      trainingStep(model, optimizer);
      const before = liveTensors();
      for (let step = 1; step < 60; step++) trainingStep(model, optimizer);
      assert.equal(liveTensors(), before);
    });
  }
});

describe('going on from a saved state gives the same numbers as never stopping', () => {
  for (const [name, make] of Object.entries(OPTIMIZERS)) {
    test(name, () => {
      manualSeed(3);
      const model = net();
      const optimizer = make(model);
      trainingStep(model, optimizer);

      const copy = net();
      copy.loadStateDict(model.stateDict());
      const resumed = make(copy);
      const { tensors, settings } = optimizer.stateDict();
      resumed.loadStateDict({ tensors, settings: JSON.parse(JSON.stringify(settings)) });

      const losses = [
        [model, optimizer],
        [copy, resumed],
      ] as const;
      const [uninterrupted, continued] = losses.map(([network, its]) => {
        manualSeed(4);
        return [0, 1, 2].map(() => trainingStep(network, its));
      });
      assert.deepEqual(continued, uninterrupted);
    });
  }

  test('a state of other parameters is refused', () => {
    const saved = OPTIMIZERS.SGD(net());
    const other = new SGD([new Parameter(ones([2]))], { learningRate: 1 });
    assert.throws(() => other.loadStateDict(saved.stateDict()), /groups of 6 parameters, this one of 1/);
  });
});

describe('groups', () => {
  test('have their own learning rate and weight decay; what they leave out is shared', () => {
    const [a, b] = [new Parameter(ones([1])), new Parameter(ones([1]))];
    const optimizer = new SGD([{ parameters: [a] }, { parameters: [b], learningRate: 0.5, weightDecay: 1 }], {
      learningRate: 0.1,
    });
    a.add(b).sum().backward();
    optimizer.step();
    assertClose([a.item(), b.item()], [0.9, 0]);
  });

  test('a schedule scales all of them', () => {
    const a = new Parameter(ones([1]));
    const optimizer = new SGD([a], { learningRate: 1 });
    optimizer.setLearningRate(0.25);
    a.sum().backward();
    optimizer.step();
    assertClose([a.item()], [0.75]);
  });

  test('parameters without a gradient stay as they are', () => {
    const [a, b] = [new Parameter(ones([1])), new Parameter(ones([1]))];
    const optimizer = new AdamW([a, b], { learningRate: 0.1, weightDecay: 0.5 });
    a.sum().backward();
    optimizer.step();
    assert.equal(b.item(), 1);
    b.sum().backward();
    optimizer.step();
    assert.deepEqual(optimizer.stateDict().settings.steps, [2, 1]);
    assertClose([b.item()], [1 * (1 - 0.05) - 0.1]);
  });
});

test('an optimiser refuses no parameters, the same one twice, and Nesterov without momentum', () => {
  const a = new Parameter(ones([1]));
  assert.throws(() => new SGD([], { learningRate: 1 }), /no parameters/);
  assert.throws(() => new SGD([a, a], { learningRate: 1 }), /twice/);
  assert.throws(() => new SGD([a], { learningRate: 1, nesterov: true }), /nesterov needs a momentum/);
});

test('maximize climbs', () => {
  for (const make of [SGD, Adam, AdamW]) {
    const a = new Parameter(ones([1]));
    const optimizer = new make([a], { learningRate: 0.1, maximize: true, weightDecay: 0 });
    a.sum().backward();
    optimizer.step();
    assertClose([a.item()], [1.1]);
  }
});

describe('clipping gradients', () => {
  test("scales them to a common norm, by PyTorch's figures", () => {
    manualSeed(7);
    const parameters = [new Parameter(randn([3, 4])), new Parameter(randn([5]))];
    for (const parameter of parameters) parameter.pow(3).sum().backward();
    assertClose([clipGradientNorm(parameters, 1)], [recordedModules.clipped.norm]);
    for (const [i, expected] of recordedModules.clipped.gradients.entries()) {
      assertClose(values(parameters[i].grad as Parameter), expected);
    }
  });

  test('leaves short ones and broken ones alone, and reports the norm', () => {
    const a = new Parameter(ones([4]));
    a.sum().backward();
    assert.equal(clipGradientNorm([a], 10), 2);
    assert.deepEqual(a.grad?.toArray(), [1, 1, 1, 1]);
    a.mul(Number.POSITIVE_INFINITY).sum().backward();
    assert.equal(clipGradientNorm([a], 10), Number.POSITIVE_INFINITY);
  });
});
