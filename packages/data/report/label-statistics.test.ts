import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelStatistics } from './label-statistics.ts';

test('labels are counted by themselves and in pairs', () => {
  const records = [['sea', 'sun'], ['sea', 'sun', 'trees'], ['trees'], [], ['sea']].map((labels) => ({ labels }));
  assert.deepEqual(labelStatistics(records, 4), {
    cardinality: 7 / 5,
    density: 7 / 20,
    images_without_labels: 1,
    images_by_number_of_labels: [1, 2, 1, 1],
    pairs: [
      { labels: ['sea', 'sun'], images: 2, share: 1 },
      { labels: ['sea', 'trees'], images: 1, share: 0.5 },
      { labels: ['sun', 'trees'], images: 1, share: 0.5 },
    ],
  });
});

test('of nothing there is nothing', () => {
  const none = { cardinality: 0, density: 0, images_without_labels: 0, images_by_number_of_labels: [], pairs: [] };
  assert.deepEqual(labelStatistics([], 0), none);
});
