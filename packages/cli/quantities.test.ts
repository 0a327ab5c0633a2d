import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, counted, duration, figure, percent, rate, remaining } from './quantities.ts';

test('durations read as a person says them', () => {
  const said = [0, 0.44, 9.949, 9.96, 42, 59.6, 130, 362, 3599.7, 3900, 86_400, 97_200].map(duration);
  assert.deepEqual(said, [
    ...['0.0 s', '0.4 s', '9.9 s', '10 s', '42 s', '1 m 00 s', '2 m 10 s', '6 m 02 s'],
    ...['1 h 00 m', '1 h 05 m', '1 d 00 h', '1 d 03 h'],
  ]);
  assert.equal(duration(Number.NaN), '?');
});

test('an estimate of what is left has no tenths', () => {
  assert.deepEqual([0.2, 4.4, 9.4, 9.6, 130.4].map(remaining), ['0 s', '4 s', '9 s', '10 s', '2 m 10 s']);
});

test('rates, counts and parts', () => {
  assert.deepEqual([0.123, 5.83, 9.97, 58.4, 1234].map(rate), [
    ...['0.12 img/s', '5.8 img/s', '10 img/s', '58 img/s', '1,234 img/s'],
  ]);
  assert.deepEqual([0, 999, 1204, 25_600_000].map(count), ['0', '999', '1,204', '25,600,000']);
  assert.deepEqual([counted(1, 'image'), counted(2, 'class', 'classes')], ['1 image', '2 classes']);
  assert.deepEqual([0, 0.617, 0.9999, 1].map(percent), ['0 %', '61 %', '99 %', '100 %']);
});

test('metrics keep the digits that matter', () => {
  assert.deepEqual([0, 0.9372, 2.1e-6, 123.4, -0.5, 1].map(figure), [
    '0.000',
    '0.937',
    '2.1e-6',
    '123',
    '-0.500',
    '1.000',
  ]);
});
