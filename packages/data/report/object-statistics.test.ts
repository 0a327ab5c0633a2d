import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NormalisedBox, ObjectRecord } from '../detection/object-record.ts';
import { objectStatistics } from './object-statistics.ts';

const image = (file: string, ...boxes: NormalisedBox[]): ObjectRecord => ({
  ...{ file, source: { file }, width: 0, height: 0, bytes: 1 },
  objects: boxes.map((box, i) => ({ label: 'cat', box, crowd: i === 2 })),
});

test('boxes are counted by class, set, size and place', () => {
  const traits = new Map([
    ['a', { width: 1000, height: 500 }],
    ['b', { width: 1000, height: 500 }],
    ['c', { width: 100, height: 100 }],
  ]);
  const statistics = objectStatistics(
    {
      // 10 × 10 pixels, of which 6.4 are left at 640; 50 × 50; 500 × 500 at the edges.
      training: [image('a', [0.5, 0.5, 0.51, 0.52], [0.1, 0.1, 0.15, 0.2], [0, 0, 0.5, 1]), image('b')],
      validation: [image('c', [0.25, 0.25, 0.75, 0.5])],
    },
    ['cat', 'dog'],
    traits,
  );
  assert.deepEqual(statistics.classes, [
    { name: 'cat', training: 3, validation: 1, small: 1, medium: 2, large: 1 },
    { name: 'dog', training: 0, validation: 0, small: 0, medium: 0, large: 0 },
  ]);
  assert.deepEqual(statistics.images_by_number_of_objects, [1, 1, 0, 1]);
  assert.deepEqual(statistics.of_an_image, { smallest: 0, median: 1, largest: 3 });
  assert.deepEqual(statistics.aspect, { smallest: 1, median: 1, largest: 2 });
  const { number, images_without_objects, crowds, at_edge, lost_when_resized, images_with_very_many } = statistics;
  assert.deepEqual(
    { number, images_without_objects, crowds, at_edge, lost_when_resized, images_with_very_many },
    { number: 4, images_without_objects: 1, crowds: 1, at_edge: 1, lost_when_resized: 1, images_with_very_many: 0 },
  );
});
