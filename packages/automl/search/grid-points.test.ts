import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gridPoints, identity } from './grid-points.ts';
import type { Space } from './space.ts';

const goldens: { cases: { id: string; space: Space; assignments: string[] }[] } = JSON.parse(
  readFileSync(new URL('../fixtures/hpo/grid.json', import.meta.url), 'utf8'),
);

for (const { id, space, assignments } of goldens.cases) {
  test(`grid ${id}: every assignment once`, () => {
    const points = [...gridPoints(space)].map(identity);
    assert.deepEqual(points.toSorted(), assignments.toSorted());
  });
}

test('the last parameter changes fastest, sub-spaces follow one another', () => {
  const points = [
    ...gridPoints([{ a: { type: 'choice', values: [1, 2] }, b: { type: 'choice', values: [3, 4] } }, { a: 9 }]),
  ];
  assert.deepEqual(points, [{ a: 1, b: 3 }, { a: 1, b: 4 }, { a: 2, b: 3 }, { a: 2, b: 4 }, { a: 9 }]);
});

test('a grid far larger than the number of trials is not enumerated', () => {
  const digit = { type: 'choice', values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } as const;
  const space = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, digit]));
  assert.equal([...gridPoints(space).take(5)].length, 5);
});

test('a continuous distribution can not be enumerated', () => {
  const space: Space = { x: { type: 'uniform', min_value: 0, max_value: 1 } };
  assert.throws(() => [...gridPoints(space)], {
    name: 'TypeError',
    message: 'grid sampling takes only choice, not uniform',
  });
});
