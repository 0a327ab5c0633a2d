import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { mostLogBytes, startProcess } from './start-process.ts';

/** Starts a program that says a word, and waits for its end. */
async function said(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-process-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = join(folder, 'word.mjs');
  writeFileSync(script, "console.log('word');\n");
  const log = join(folder, 'a.log');
  const start = () =>
    new Promise<void>((resolve) => {
      startProcess({ script: pathToFileURL(script), args: [], folder, log, environment: {} }, resolve);
    });
  return { log, start };
}

test('a log that has become long is put aside, and a short one goes on', async (t) => {
  const { log, start } = await said(t);
  writeFileSync(log, 'before\n');
  await start();
  assert.equal(readFileSync(log, 'utf8'), 'before\nword\n');
  truncateSync(log, mostLogBytes + 1);
  await start();
  assert.equal(readFileSync(log, 'utf8'), 'word\n');
  assert.equal(statSync(`${log}.1`).size, mostLogBytes + 1);
});
