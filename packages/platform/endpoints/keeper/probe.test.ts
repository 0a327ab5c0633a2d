import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeSpec } from '../online/online-spec.ts';
import { backOff } from './back-off.ts';
import { afterProbe, firstProbe, type ProbeState, probeBy, probeEarly } from './probe.ts';

const spec: ProbeSpec = { initial_delay: 20, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 3 };

/** What a probe says after each of these answers, which come as soon as they are due. */
function answers(from: ProbeState, rules: ProbeSpec, ...passed: boolean[]): { passing: boolean; at: number }[] {
  let state = from;
  return passed.map((one) => {
    const at = state.due;
    state = afterProbe(rules, state, one, at);
    return { passing: state.passing, at };
  });
}

test('the first probe waits for initial_delay, unless the instance says before that it is ready', () => {
  const first = firstProbe(spec, false, 1000);
  assert.deepEqual(first, { passing: false, against: 0, due: 21_000 });
  assert.equal(probeEarly(first, 1700).due, 1700);
  // What is due anyway is not put off.
  assert.equal(probeEarly(first, 30_000).due, 21_000);
});

test('an instance lives until failure_threshold answers in a row fail; one that passes begins the count anew', () => {
  const begun = firstProbe(spec, true, 0);
  assert.deepEqual(answers(begun, spec, false, false, false), [
    { passing: true, at: 20_000 },
    { passing: true, at: 30_000 },
    { passing: false, at: 40_000 },
  ]);
  const told = answers(begun, spec, false, false, true, false, false, false);
  assert.deepEqual(
    told.map(({ passing }) => passing),
    [true, true, true, true, true, false],
  );
});

test('readiness is gained by success_threshold answers in a row, lost by failure_threshold, and gained again', () => {
  const rules = { ...spec, success_threshold: 2, failure_threshold: 2 };
  const [yes, no] = [true, false];
  const told = answers(firstProbe(rules, false, 0), rules, yes, no, yes, yes, no, yes, no, no, yes, yes);
  assert.deepEqual(
    told.map(({ passing }) => passing),
    [no, no, no, yes, yes, yes, yes, no, no, yes],
  );
});

test('the period is from question to question; a late answer makes the next one due at once', () => {
  const { due } = afterProbe({ ...spec, period: 1, timeout: 5 }, firstProbe(spec, true, 0), true, 20_000);
  assert.equal(due, 21_000);
});

test('a shorter period holds at once, a longer one from the next question on', () => {
  const state = { passing: true, against: 2, due: 20_000 };
  assert.deepEqual(probeBy({ ...spec, period: 1 }, state, 12_000), { passing: true, against: 2, due: 13_000 });
  assert.deepEqual(probeBy({ ...spec, period: 60 }, state, 12_000), state);
});

test('the wait before a restart doubles from a second to a minute', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 5, 6, 1000].map((restarts) => backOff(restarts) / 1000),
    [1, 2, 4, 8, 32, 60, 60],
  );
});
