import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../rng.ts';
import { HashIndex } from './hash-index.ts';
import { hammingDistance, type PerceptualHash } from './perceptual-hash.ts';

const rng = createRng(5);
const bits = () => Math.floor(rng.uniform() * 2 ** 32) >>> 0;
const random = (): PerceptualHash => [bits(), bits()];
const withFlips = ([high, low]: PerceptualHash, flips: number): PerceptualHash => {
  const places = rng.shuffle(Array.from({ length: 64 }, (_, i) => i)).slice(0, flips);
  return places.reduce<PerceptualHash>(
    ([a, b], place) => (place < 32 ? [(a ^ (1 << place)) >>> 0, b] : [a, (b ^ (1 << (place - 32))) >>> 0]),
    [high, low],
  );
};

test('finds exactly what a comparison with all finds, each once', () => {
  const first = Array.from({ length: 300 }, random);
  const hashes = first.concat(first.flatMap((hash, i) => [withFlips(hash, i % 15), withFlips(hash, (i * 7) % 15)]));
  const index = new HashIndex(hashes.length);
  for (const hash of hashes) index.add(hash);
  for (const distance of [0, 3, 10, 11]) {
    for (const asked of hashes.slice(0, 100)) {
      const found: [number, number][] = [];
      index.near(asked, distance, (number, apart) => found.push([number, apart]));
      const expected = hashes.flatMap((hash, i): [number, number][] => {
        const apart = hammingDistance(hash, asked);
        return apart <= distance ? [[i, apart]] : [];
      });
      assert.deepEqual(
        found.sort(([a], [b]) => a - b),
        expected,
      );
    }
  }
});

test('a distance that it cannot promise is refused', () => {
  assert.throws(() => new HashIndex(1).near([0, 0], 12, () => {}), /at most 11/);
});
