import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { WholeFile } from './whole-file.ts';

test('a file is there when it is whole, and one that cannot be written is told of, whenever that shows', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-whole-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'rows');
  const whole = new WholeFile(path);
  await whole.write('one\n');
  await whole.write('x'.repeat(1 << 20));
  assert.equal(existsSync(path), false);
  await whole.close();
  assert.equal(readFileSync(path, 'utf8').length, (1 << 20) + 4);

  mkdirSync(join(folder, 'taken.tmp'));
  const early = new WholeFile(join(folder, 'taken'));
  await assert.rejects(early.write('x'.repeat(1 << 20)), { code: 'EISDIR' });
  const late = new WholeFile(join(folder, 'taken'));
  await wait(20);
  await assert.rejects(late.write('x'), { code: 'EISDIR' });
  await assert.rejects(late.close(), { code: 'EISDIR' });
});
