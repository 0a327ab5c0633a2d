import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalCdf, normalQuantile } from './standard-normal.ts';

// By NormalDist of Python's standard library.
const quantiles: [number, number][] = [
  [1e-300, -37.0470962993612],
  [1e-12, -7.034483825301132],
  [1e-6, -4.753424308822899],
  [0.001, -3.090232306167813],
  [0.02425, -1.9729610513118845],
  [0.3, -0.5244005127080407],
  [0.5, 0],
  [0.975, 1.9599639845400536],
  [0.999999, 4.753424308817089],
];
const shares: [number, number][] = [
  [-40, 0],
  [-8, 6.106226635438361e-16],
  [-3, 0.0013498980316301035],
  [-0.3, 0.3820885778110474],
  [0, 0.5],
  [0.7, 0.758036347776927],
  [4, 0.9999683287581669],
  [40, 1],
];

test('the quantile and the distribution function of the standard normal', () => {
  for (const [share, z] of quantiles) assert.ok(Math.abs(normalQuantile(share) - z) <= 1e-14 * Math.abs(z), `${share}`);
  for (const [z, share] of shares) assert.ok(Math.abs(normalCdf(z) - share) < 1e-15, `${z}`);
  for (let z = -6; z <= 6; z += 0.37) assert.ok(Math.abs(normalQuantile(normalCdf(z)) - z) < 1e-7, `${z}`);
});
