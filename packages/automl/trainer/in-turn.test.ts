import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inTurn } from './in-turn.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-turn-'));
after(() => rmSync(folder, { recursive: true }));

test('processes do it one after the other', async () => {
  const lock = join(folder, 'lock');
  const log = join(folder, 'log');
  const program = `
    import { appendFileSync } from 'node:fs';
    import { inTurn } from ${JSON.stringify(new URL('./in-turn.ts', import.meta.url).href)};
    inTurn(${JSON.stringify(lock)}, () => {
      appendFileSync(${JSON.stringify(log)}, 'begin ');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      appendFileSync(${JSON.stringify(log)}, 'end ');
    });`;
  const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '--eval', program]));
  for (const code of await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))) {
    assert.equal(code, 0);
  }
  assert.equal(readFileSync(log, 'utf8'), 'begin end begin end begin end ');
  assert.equal(existsSync(lock), false);
});

test('nobody waits for a process that is gone', () => {
  const lock = join(folder, 'left');
  writeFileSync(lock, String(spawnSync('true').pid));
  assert.equal(
    inTurn(lock, () => readFileSync(lock, 'utf8')),
    String(process.pid),
  );
});

test('what goes wrong gives the turn back', () => {
  const lock = join(folder, 'wrong');
  const work = () => {
    throw new Error('wrong');
  };
  assert.throws(() => inTurn(lock, work), /wrong/);
  assert.equal(existsSync(lock), false);
});
