import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { type Circumstances, recipe, warningOf } from './recipe.ts';

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

test('on a small set only the head of a pretrained model learns, in small batches and many of them', () => {
  const hp = recipe(defaults, circumstances({ images: 195 }));
  assert.equal(hp.layers_to_freeze, 19);
  assert.equal(hp.training_batch_size, 16);
  assert.ok(Math.abs(hp.learning_rate - 0.00205) < 1e-4);
  assert.deepEqual([hp.number_of_epochs, hp.early_stopping_patience], [31, 11]);
});

test('on a set of middling size the early stages stay as they are', () => {
  const hp = recipe(defaults, circumstances({ images: 826 }));
  assert.equal(hp.layers_to_freeze, 14);
  assert.equal(hp.training_batch_size, 64);
  assert.deepEqual([hp.number_of_epochs, hp.early_stopping_patience], [15, 5]);
  assert.equal(recipe(defaults, circumstances({ images: 826, stages: 5 })).layers_to_freeze, 3);
});

test('a batch that was named, or is found by trying, has the learning rate of its size', () => {
  for (const [batch, rate] of [
    [39, 0.005],
    [156, 0.01],
    ['auto', (0.01 * 16) / 78],
  ] as const) {
    const hp = { ...defaults, training_batch_size: batch };
    const chosen = recipe(hp, circumstances({ images: 195, given: new Set(['training_batch_size']) }));
    assert.equal(chosen.training_batch_size, batch);
    assert.ok(Math.abs(chosen.learning_rate - rate) < 1e-9);
  }
});

test('documented defaults on a small set are warned of, with what would be better', () => {
  const job = circumstances({ images: 195, fitToData: false });
  assert.match(
    warningOf(defaults, job) ?? '',
    /^195 training images .*layers_to_freeze: 19, training_batch_size: 16, learning_rate: 0\.0021, number_of_epochs: 31/,
  );
});

test('there is no warning where the job chose, the recipe did, or the data suffices', () => {
  const job = circumstances({ images: 195, fitToData: false });
  assert.equal(warningOf(defaults, { ...job, images: 826 }), null);
  assert.equal(warningOf(defaults, { ...job, pretrained: false }), null);
  assert.equal(warningOf(defaults, { ...job, fitToData: true }), null);
  for (const name of ['learning_rate', 'layers_to_freeze']) {
    assert.equal(warningOf(defaults, { ...job, given: new Set([name]) }), null, name);
  }
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
