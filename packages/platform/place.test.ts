import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newJob } from './fixtures/rows.ts';
import { openWorkspace } from './open-workspace.ts';
import { openStore } from './store/index.ts';

test('a command that is to be typed next names the workspace as the one before did', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-place-'));
  const store = await openStore({ folder });
  const workspace = await openWorkspace({ folder, database: '', words: ' --workspace lab' });
  t.after(async () => {
    await workspace.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  await store.jobs.add(newJob('j'));
  await assert.rejects(workspace.archive('j'), /fovea job cancel --workspace lab --name j ends it/);
});
