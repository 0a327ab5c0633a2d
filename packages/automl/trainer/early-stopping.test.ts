import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshStopper, observe } from './early-stopping.ts';

function epochsUntilStop(values: number[], patience: number, delay: number): number | null {
  let state = freshStopper();
  for (const [index, value] of values.entries()) {
    const seen = observe(state, value, { patience, delay });
    if (seen.stop) return index + 1;
    state = seen.state;
  }
  return null;
}

test('training stops after `patience` evaluations without a strictly better value', () => {
  assert.equal(epochsUntilStop([0.5, 0.6, 0.6, 0.6, 0.6], 2, 0), 4);
  assert.equal(epochsUntilStop([0.5, 0.6, 0.6, 0.61, 0.61, 0.61], 2, 0), 6);
});

test('evaluations within the delay never count against it', () => {
  assert.equal(epochsUntilStop([0.5, 0.4, 0.4, 0.4, 0.4, 0.4], 2, 4), 6);
  assert.equal(epochsUntilStop([0.5, 0.4, 0.4], 2, 10), null);
});

test('a metric that is never better than 0 still has a best epoch', () => {
  assert.equal(observe(freshStopper(), 0, { patience: 1, delay: 0 }).improved, true);
});
