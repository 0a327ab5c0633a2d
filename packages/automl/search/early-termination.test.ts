import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { appliesAt, type EarlyTerminationPolicy, type Goal, judge, verdictAfterReport } from './early-termination.ts';

type Figures = { reference?: number; limit?: number; median?: number; pool_size?: number; k?: number };
interface PolicyCase {
  id: string;
  goal: Goal;
  policy: EarlyTerminationPolicy;
  mode: 'lockstep' | 'sequenced';
  histories?: number[][];
  events?: [number, number | 'end'][];
  expected: {
    cancelled_at: Record<string, number | null>;
    evaluations: (Figures & {
      interval: number;
      considered: number[];
      cancelled?: number[];
      trial?: number;
      cancel?: boolean;
    })[];
  };
}

/** All live trials report, then the policy looks at all of them at once. */
function playLockstep({ policy, goal, histories = [], expected }: PolicyCase): (number | null)[] {
  const stoppedAt: (number | null)[] = histories.map(() => null);
  const evaluations = [...expected.evaluations];
  for (let interval = 1; interval <= Math.max(...histories.map((reports) => reports.length)); interval++) {
    const alive = histories.flatMap((reports, i) => (stoppedAt[i] === null && reports.length >= interval ? [i] : []));
    if (alive.length === 0 || !appliesAt(policy, interval)) continue;
    const pool = alive.map((i) => histories[i] as number[]);
    const { stop, figures } = judge(policy, goal, pool, interval);
    const stopped = stop.map((i) => alive[i] as number);
    const evaluation = evaluations.shift();
    assert.equal(evaluation?.interval, interval);
    assert.deepEqual(stopped, evaluation?.cancelled);
    assertFigures(figures, evaluation ?? {});
    for (const i of stopped) stoppedAt[i] = interval;
  }
  assert.equal(evaluations.length, 0);
  return stoppedAt;
}

function assertFigures(figures: Readonly<Record<string, number>>, expected: Figures): void {
  for (const name of ['reference', 'limit', 'median', 'pool_size'] as const) {
    if (expected[name] !== undefined) assert.ok(Math.abs((figures[name] ?? Number.NaN) - expected[name]) < 1e-9, name);
  }
  if (expected.k !== undefined) assert.equal(figures.count, expected.k);
}

/** Reports come one by one; only the trial that has just reported is judged. */
function playSequenced({ policy, goal, events = [], expected }: PolicyCase): (number | null)[] {
  const trials = Object.keys(expected.cancelled_at).map(() => ({ reports: [] as number[], finished: false }));
  const stoppedAt: (number | null)[] = trials.map(() => null);
  for (const [index, value] of events) {
    const trial = trials[index];
    if (trial === undefined || stoppedAt[index] !== null) continue;
    if (value === 'end') trial.finished = true;
    else {
      trial.reports.push(value);
      if (verdictAfterReport(policy, goal, trials, index)?.stops) stoppedAt[index] = trial.reports.length;
    }
  }
  return stoppedAt;
}

for (const kind of ['bandit', 'median_stopping', 'truncation_selection']) {
  const url = new URL(`../fixtures/hpo/policy_${kind}.json`, import.meta.url);
  const { cases }: { cases: PolicyCase[] } = JSON.parse(readFileSync(url, 'utf8'));
  for (const golden of cases) {
    test(`${kind} ${golden.id} (${golden.mode}, ${golden.goal}) stops the same trials at the same intervals`, () => {
      const stoppedAt = golden.mode === 'lockstep' ? playLockstep(golden) : playSequenced(golden);
      assert.deepEqual(Object.fromEntries(stoppedAt.entries()), golden.expected.cancelled_at);
    });
  }
}

test('an evaluation interval of 0 counts as 1', () => {
  assert.equal(appliesAt({ type: 'median_stopping', evaluation_interval: 0 }, 3), true);
});

test('a trial without reports is never stopped', () => {
  assert.equal(
    verdictAfterReport({ type: 'median_stopping' }, 'maximize', [{ reports: [], finished: false }], 0),
    null,
  );
});

test('what is not a number is worse than any, and spoils nobody else', () => {
  const pool = [
    [Number.NaN, 0.5],
    [0.6, 0.7],
    [Number.NaN, Number.NaN],
    [0.1, 0.2],
  ];
  const stopped = (policy: EarlyTerminationPolicy) => judge(policy, 'maximize', pool, 2).stop;
  assert.deepEqual(stopped({ type: 'bandit', slack_amount: 0.2 }), [2, 3]);
  assert.deepEqual(stopped({ type: 'truncation_selection', truncation_percentage: 30 }), [2]);
  assert.deepEqual(stopped({ type: 'median_stopping' }), []);
  assert.deepEqual(judge({ type: 'bandit', slack_factor: 0.2 }, 'maximize', [[Number.NaN], [Number.NaN]], 1).stop, []);
});
