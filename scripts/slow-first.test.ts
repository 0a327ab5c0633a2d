import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { slowFirst, slowTests } from './slow-first.ts';

test('the slowest files begin first, the others as they were', () => {
  const [slowest, slower] = slowTests.map((file) => join('/fovea', file));
  assert.deepEqual(slowFirst(['/fovea/b.test.ts', slower, '/fovea/a.test.ts', slowest]), [
    ...[slowest, slower, '/fovea/b.test.ts', '/fovea/a.test.ts'],
  ]);
});

test('the list names files that are there', () => {
  for (const file of slowTests) assert.ok(existsSync(join(import.meta.dirname, '..', file)), file);
});
