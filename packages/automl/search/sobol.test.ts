import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sampleSobol } from './sample-sobol.ts';
import { SOBOL_DIMENSIONS, sobol } from './sobol.ts';

const { cases }: { cases: { d: number; points: number[][] }[] } = JSON.parse(
  readFileSync(new URL('../fixtures/hpo/sobol.json', import.meta.url), 'utf8'),
);

for (const { d, points } of cases) {
  test(`Sobol points of ${d} dimensions`, () => {
    for (const [index, point] of points.entries())
      assert.deepEqual(
        Array.from({ length: d }, (_, dimension) => sobol(index, dimension)),
        point,
      );
  });
}

test('every dimension has each part of [0, 1) once in as many points', () => {
  for (let dimension = 0; dimension < SOBOL_DIMENSIONS; dimension++) {
    const parts = Array.from({ length: 256 }, (_, index) => Math.floor(sobol(index, dimension) * 256));
    assert.equal(new Set(parts).size, 256);
  }
  assert.throws(() => sobol(0, SOBOL_DIMENSIONS), /40 dimensions here, not 41/);
});

test('a Sobol sweep covers choices evenly and never begins at the lower bound', () => {
  const space = [
    { model: 'a', rate: { type: 'loguniform', min_value: -6, max_value: -1 } },
    { model: 'b', freeze: { type: 'choice', values: [0, 1, 2, 3] } },
  ] as const;
  for (const seed of [1, 2]) {
    const trials = Array.from({ length: 16 }, (_, index) => sampleSobol(space, index, seed));
    assert.equal(trials.filter(({ model }) => model === 'a').length, 8);
    for (const { rate } of trials.slice(0, 1)) assert.notEqual(rate, Math.exp(-6));
    assert.deepEqual(
      trials,
      trials.map((_, index) => sampleSobol(space, index, seed)),
    );
  }
  assert.notDeepEqual(sampleSobol(space, 3, 1), sampleSobol(space, 3, 2));
});

test('parameters beyond the dimensions of the sequence are drawn independently', () => {
  const entry = { type: 'uniform', min_value: 0, max_value: 1 } as const;
  const space = Object.fromEntries(Array.from({ length: 42 }, (_, i) => [`p${i}`, entry]));
  const drawn = Array.from({ length: 200 }, (_, index) => sampleSobol(space, index, 1));
  for (const key of ['p40', 'p41']) {
    const values = drawn.map((draw) => draw[key] as number);
    assert.equal(new Set(values).size, 200);
    const mean = values.reduce((sum, value) => sum + value, 0) / 200;
    assert.ok(Math.abs(mean - 0.5) < 0.07, `${mean}`);
  }
});
