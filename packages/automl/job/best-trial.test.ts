import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestTrial } from './best-trial.ts';
import type { RunStatus } from './job-record.ts';

const trial = (
  name: string,
  accuracy: number | null,
  status: RunStatus = 'Completed',
  best_epoch: number | null = 1,
) => ({
  ...{ name, status, best_epoch },
  metrics: (accuracy === null ? {} : { accuracy }) as Record<string, number>,
});

test('the highest primary metric wins, of equals the earlier one; what failed or measured nothing does not', () => {
  const best = (...trials: ReturnType<typeof trial>[]) => bestTrial(trials, 'accuracy')?.name;
  assert.equal(best(trial('a', 0.5), trial('b', 0.7), trial('c', 0.7)), 'b');
  assert.equal(best(trial('a', 0.5), trial('b', 0.9, 'Failed')), 'a');
  assert.equal(best(trial('a', 0.5), trial('b', 0.9, 'Canceled')), 'b');
  assert.equal(best(trial('a', null), trial('b', 0.1)), 'b');
  assert.equal(best(trial('a', null)), 'a');
  assert.equal(best(trial('a', null, 'Canceled', null)), undefined);
});
