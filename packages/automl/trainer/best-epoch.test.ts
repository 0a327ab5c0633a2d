import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBetterEpoch } from './best-epoch.ts';

const isBetter = (accuracy: number, log_loss: number) =>
  isBetterEpoch({ accuracy, log_loss }, { accuracy: 0.9, log_loss: 0.5 }, 'accuracy');

test('the first evaluation is the best so far', () => {
  assert.equal(isBetterEpoch({ accuracy: 0, log_loss: 9 }, null, 'accuracy'), true);
});

test('the primary metric decides, whatever the log loss', () => {
  assert.equal(isBetter(0.91, 2), true);
  assert.equal(isBetter(0.89, 0.1), false);
});

test('of equal ones the lower log loss is better, and the earlier where that is equal too', () => {
  assert.equal(isBetter(0.9, 0.4), true);
  assert.equal(isBetter(0.9, 0.6), false);
  assert.equal(isBetter(0.9, 0.5), false);
  assert.equal(isBetter(0.9, Number.NaN), false);
});

test('without a log loss the later of equals is kept, and without the metric itself the last', () => {
  const of = (mean_average_precision: number) => ({ mean_average_precision });
  assert.ok(isBetterEpoch(of(0.5), of(0.5), 'mean_average_precision'));
  assert.ok(!isBetterEpoch(of(0.4), of(0.5), 'mean_average_precision'));
  assert.ok(isBetterEpoch({}, {}, 'mean_average_precision'));
});
