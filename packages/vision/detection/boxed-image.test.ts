import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxedImage } from './boxed-image.ts';

const record = {
  ...{ file: '/a.png', source: { file: 'a.jsonl', line: 3 }, width: 200, height: 100, bytes: 1 },
  objects: [
    { label: 'dog', box: [0.25, 0.5, 1, 1] as const, crowd: false },
    { label: 'cat', box: [0, 0, 1, 1] as const, crowd: true },
    { label: 'cat', box: [0, 0, 0.5, 0.25] as const, crowd: false },
  ],
};

test('shares become pixels, labels numbers; crowds are left out', () => {
  const { boxes, ...image } = boxedImage(record, ['cat', 'dog']);
  assert.deepEqual(boxes, { corners: [50, 50, 200, 100, 0, 0, 100, 25], classes: [1, 0] });
  assert.deepEqual(image, { file: '/a.png', source: record.source, width: 200, height: 100 });
  assert.deepEqual(boxedImage({ ...record, objects: [] }, []).boxes, { corners: [], classes: [] });
});

test('a label of no class, and an image of unknown size, are refused', () => {
  assert.throws(() => boxedImage(record, ['cat']), /"dog" is not a class/);
  assert.throws(() => boxedImage({ ...record, width: 0 }, ['cat', 'dog']), /size of \/a\.png is not known/);
});
