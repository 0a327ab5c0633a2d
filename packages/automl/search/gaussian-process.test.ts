import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '@fovea/data';
import { factorise, inverse, solveLower, solveUpper } from './cholesky.ts';
import { logExpectedImprovement } from './expected-improvement.ts';
import { gaussianProcess, type Input, learnKernel } from './gaussian-process.ts';

test('a matrix is the product of its factor, and its inverse the inverse', () => {
  const n = 7;
  const random = createRng(1).uniform;
  const b = Float64Array.from({ length: n * n }, () => random() - 0.5);
  const at = (i: number, k: number) => {
    let sum = i === k ? 1 : 0;
    for (let q = 0; q < n; q++) sum += b[i * n + q] * b[k * n + q];
    return sum;
  };
  const factor = Float64Array.from({ length: n * n }, (_, p) => at(Math.floor(p / n), p % n));
  assert.ok(factorise(factor, n));
  const inverted = inverse(factor, n);
  const x = Float64Array.from({ length: n }, (_, i) => i + 1);
  const solved = x.slice();
  solveLower(factor, n, solved);
  solveUpper(factor, n, solved);
  for (let i = 0; i < n; i++) {
    let back = 0;
    let product = 0;
    for (let k = 0; k < n; k++) {
      back += at(i, k) * solved[k];
      product += (k <= i ? inverted[i * n + k] : inverted[k * n + i]) * x[k];
    }
    assert.ok(Math.abs(back - x[i]) < 1e-12);
    assert.ok(Math.abs(product - solved[i]) < 1e-12);
  }
  assert.equal(factorise(Float64Array.of(1, 0, 2, 1), 2), false);
});

// By mpmath: log(z * ncdf(z) + npdf(z)).
test('the logarithm of the expected improvement, near and far', () => {
  const cases = [
    [0, 0, 1, -0.9189385332046727],
    [1, 0, 2, Math.log(2) + Math.log(0.5 * 0.6914624612740131 + 0.3520653267642995)],
    [-4, 0, 1, -11.8490615775507],
    [-10, 0, 1, -55.5531220361224],
    [-40, 0, 1, -808.29856835662],
  ];
  for (const [best, mean, deviation, expected] of cases)
    assert.ok(
      Math.abs(logExpectedImprovement(best, mean, deviation) - expected) < 1e-6 * Math.abs(expected),
      `${best}`,
    );
  const near = [-4.99, -5.01].map((z) => logExpectedImprovement(z, 0, 1));
  assert.ok(near[0] > near[1] && near[0] - near[1] < 0.12);
});

const numbers = (count: number): Input[] => Array.from({ length: count }, () => ({ kind: 'number' }));

function standardised(values: readonly number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Float64Array.from(values, (value) => (value - mean) / Math.sqrt(variance));
}

test('beliefs go through what was seen, and are unsure far from it', () => {
  const points = [0.1, 0.25, 0.4, 0.6].map((x) => Float64Array.of(x));
  const values = standardised([3, 1, 2, 5]);
  const process = gaussianProcess(learnKernel(points, values, numbers(1)), points, values);
  for (const [i, point] of points.entries()) assert.ok(Math.abs(process.at(point).mean - values[i]) < 0.05);
  assert.ok(process.at(points[0]).deviation < 0.1);
  assert.ok(process.at(Float64Array.of(0.95)).deviation > 0.4);
});

test('a function of one input among several, and of an option, is learned from few points', () => {
  const random = createRng(3).uniform;
  const inputs: Input[] = [...numbers(4), { kind: 'option' }];
  const truth = (x: Float64Array) => Math.sin(3 * x[1]) + (x[4] > 0.5 ? 0.7 : 0);
  const draw = () => Float64Array.from(inputs, ({ kind }) => (kind === 'option' ? Math.round(random()) : random()));
  const points = Array.from({ length: 30 }, draw);
  const values = points.map(truth);
  const mean = values.reduce((a, b) => a + b) / 30;
  const scale = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 30);
  const standard = standardised(values);
  const process = gaussianProcess(learnKernel(points, standard, inputs), points, standard);
  for (let i = 0; i < 50; i++) {
    const point = draw();
    const error = process.at(point).mean * scale + mean - truth(point);
    assert.ok(Math.abs(error) < 0.15, `${error}`);
  }
});

test('the same point with two values is noise, not an error', () => {
  const points = [0.5, 0.5, 0.5, 0.2].map((x) => Float64Array.of(x));
  const values = standardised([1, 2, 3, 0]);
  const { mean } = gaussianProcess(learnKernel(points, values, numbers(1)), points, values).at(points[0]);
  assert.ok(Math.abs(mean - (values[0] + values[1] + values[2]) / 3) < 0.2);
});
