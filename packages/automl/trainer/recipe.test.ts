import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { type Circumstances, recipe } from './recipe.ts';

const defaults = resolveHyperparameters('image_classification', 'mobilenetv2', {});
const circumstances = (changes: Partial<Circumstances> = {}): Circumstances => ({
  images: 5000,
  pretrained: true,
  stages: 19,
  given: new Set(),
  fitToData: true,
  ...changes,
});

test('a job file keeps its documented defaults however little data there is', () => {
  assert.deepEqual(recipe(defaults, circumstances({ images: 50, fitToData: false })), defaults);
});

test('random weights learn longer, in job files too', () => {
  const { number_of_epochs: epochs, early_stopping_patience: patience } = recipe(
    defaults,
    circumstances({ pretrained: false, fitToData: false }),
  );
  assert.deepEqual([epochs, patience], [45, 15]);
});

test('on a small set only the head of a pretrained model learns, in small batches', () => {
  const hp = recipe(defaults, circumstances({ images: 195 }));
  assert.equal(hp.layers_to_freeze, 19);
  assert.equal(hp.training_batch_size, 16);
  assert.ok(Math.abs(hp.learning_rate - 0.00205) < 1e-4);
  assert.equal(hp.number_of_epochs, 15);
});

test('a handful of images is seen more often', () => {
  const hp = recipe(defaults, circumstances({ images: 20 }));
  assert.equal(hp.training_batch_size, 8);
  assert.equal(hp.number_of_epochs, 60);
  assert.equal(hp.early_stopping_patience, 20);
});

test('a large set changes nothing', () => {
  assert.deepEqual(recipe(defaults, circumstances({ images: 50_000 })), defaults);
});

test('random weights are never frozen', () => {
  assert.equal(recipe(defaults, circumstances({ images: 195, pretrained: false })).layers_to_freeze, 0);
});

test('what the job names is left alone', () => {
  const given = {
    layers_to_freeze: 2,
    number_of_epochs: 3,
    training_batch_size: 4,
    learning_rate: 0.1,
    early_stopping_patience: 1,
  };
  const named = resolveHyperparameters('image_classification', 'mobilenetv2', given);
  for (const pretrained of [true, false]) {
    const hp = recipe(named, circumstances({ images: 20, pretrained, given: new Set(Object.keys(given)) }));
    assert.deepEqual(hp, named);
  }
});
