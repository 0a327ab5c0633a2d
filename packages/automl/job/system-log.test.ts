import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { logSystem, systemLogPath } from './system-log.ts';

test('the system log says where a trial ran and what it took; one that goes on adds to it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-system-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  logSystem(folder);
  logSystem(folder)('Completed');
  const lines = readFileSync(systemLogPath(folder), 'utf8').trim().split('\n');
  assert.ok(
    lines.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z (begin|processor|memory|disk|environment|end): \S/.test(line)),
  );
  assert.equal(lines.filter((line) => / begin: fovea \d+\.\d+\.\d+, Node v\d+/.test(line)).length, 2);
  assert.match(lines.at(-2) ?? '', / end: Completed after [\d.]+ s, with [\d.]+ s of processor time$/);
  assert.match(lines.at(-1) ?? '', / memory: [\d.]+ GB at most/);
});
