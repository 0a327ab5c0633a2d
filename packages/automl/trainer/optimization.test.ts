import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nn, optim } from '@fovea/torch';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { createOptimizer, learningRateFactor } from './optimization.ts';

const hp = (given = {}) => resolveHyperparameters('image_classification', 'resnet18', given);

test('each optimiser gets the hyperparameters that are its own', () => {
  const model = new nn.Linear(2, 2);
  const sgd = createOptimizer(model, hp({ optimizer: 'sgd', momentum: 0.8, nesterov: false, weight_decay: 0.01 }));
  assert.ok(sgd instanceof optim.SGD);
  assert.deepEqual(
    [sgd.groups[0].momentum, sgd.groups[0].nesterov, sgd.groups[0].weightDecay, sgd.groups[0].learningRate],
    [0.8, false, 0.01, 0.01],
  );
  const adamw = createOptimizer(model, hp({ optimizer: 'adamw', beta1: 0.8, beta2: 0.9, ams_gradient: true }));
  assert.ok(adamw instanceof optim.AdamW);
  assert.deepEqual([adamw.groups[0].betas, adamw.groups[0].amsgrad], [[0.8, 0.9], true]);
  assert.ok(createOptimizer(model, hp({ optimizer: 'adam' })) instanceof optim.Adam);
});

test('frozen parameters are not given to the optimiser', () => {
  const model = new nn.Linear(2, 2);
  model.weight.requiresGrad = false;
  assert.equal(createOptimizer(model, hp()).groups[0].parameters.length, 1);
});

test('weight decay can leave biases and normalisations alone', () => {
  const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2));
  const decays = (options = {}) =>
    createOptimizer(model, hp({ weight_decay: 0.1 }), options).groups.map(({ weightDecay, parameters }) => [
      weightDecay,
      parameters.map(({ shape }) => shape.length),
    ]);
  assert.deepEqual(decays(), [[0.1, [4, 1, 1, 1]]]);
  assert.deepEqual(decays({ decaysWeightsOnly: true }), [
    [0.1, [4]],
    [0, [1, 1, 1]],
  ]);
});

test('the learning rate warms up for whole epochs and follows its cosine, or falls in steps', () => {
  const cosine = hp({ number_of_epochs: 10, warmup_cosine_lr_warmup_epochs: 2, warmup_cosine_lr_cycles: 0.5 });
  const at = (step: number) => learningRateFactor(cosine, { step, epoch: Math.floor(step / 4), stepsPerEpoch: 4 });
  assert.deepEqual([at(0), at(4), at(8)], [0, 0.5, 1]);
  assert.ok(Math.abs(at(24) - 0.5) < 1e-12);
  assert.ok(at(39) < 0.01);

  const steps = hp({ learning_rate_scheduler: 'step', step_lr_gamma: 0.1, step_lr_step_size: 3 });
  const factors = [0, 2, 3, 6].map((epoch) => learningRateFactor(steps, { step: epoch * 4, epoch, stepsPerEpoch: 4 }));
  for (const [i, expected] of [1, 1, 0.1, 0.01].entries()) assert.ok(Math.abs(factors[i] - expected) < 1e-12);
});
