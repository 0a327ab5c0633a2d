import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../rng.ts';
import { HASHED_SIDE, hammingDistance, ones, perceptualHash } from './perceptual-hash.ts';

const rng = createRng(3);
/** Blobs rather than noise: what pictures have at low frequencies. */
const picture = Float64Array.from({ length: HASHED_SIDE ** 2 }, (_, i) => {
  const [x, y] = [i % HASHED_SIDE, Math.floor(i / HASHED_SIDE)];
  return 120 + 60 * Math.sin(x / 3 + 1) + 40 * Math.cos(y / 5 + x / 7) + 10 * rng.uniform();
});

test('each bit says whether its frequency is above the median of the 64, by the definition of the DCT-II', () => {
  const coefficients = Array.from({ length: 64 }, (_, i) => {
    const [u, v] = [(i % 8) + 1, Math.floor(i / 8) + 1];
    return picture.reduce((sum, value, at) => {
      const [x, y] = [at % 32, Math.floor(at / 32)];
      return sum + value * Math.cos((Math.PI / 32) * (x + 0.5) * u) * Math.cos((Math.PI / 32) * (y + 0.5) * v);
    }, 0);
  });
  const sorted = coefficients.toSorted((a, b) => a - b);
  const median = (sorted[31] + sorted[32]) / 2;
  const [high, low] = perceptualHash(picture).hash;
  const bits = coefficients.map((_, i) => ((i < 32 ? high : low) >>> (i % 32)) & 1);
  assert.deepEqual(
    bits,
    coefficients.map((value) => Number(value > median)),
  );
  assert.equal(ones(high) + ones(low), 32);
});

test('the mirrored hash is the hash of the mirrored picture', () => {
  const mirrored = picture.map((_, i) => picture[i - (i % 32) + 31 - (i % 32)]);
  assert.deepEqual(perceptualHash(picture).mirrored, perceptualHash(mirrored).hash);
  assert.deepEqual(perceptualHash(mirrored).mirrored, perceptualHash(picture).hash);
});

test('brightness and contrast do not count', () => {
  const darker = picture.map((value) => value * 0.4 + 3);
  assert.equal(hammingDistance(perceptualHash(picture).hash, perceptualHash(darker).hash), 0);
});

test('distance is the number of different bits, to the last of them', () => {
  assert.equal(hammingDistance([0, 0], [0xffffffff, 0xffffffff]), 64);
  assert.equal(hammingDistance([0x80000000, 1], [0, 0]), 2);
});
