import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { drawnJob, drawPictures } from '../fixtures/drawn-job.ts';
import { runHere } from '../fixtures/run-here.ts';

let folder: string;
let workspace: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-full-'));
  workspace = join(folder, 'workspace');
  mkdirSync(workspace);
  await drawPictures(folder);
});
after(() => {
  spawnSync('umount', [workspace]);
  rmSync(folder, { recursive: true, force: true });
});

const mount = (options: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', workspace]).status === 0;

test('a disk that is full fails the trial with its name, and with room it goes on', async (t) => {
  // ResNet-18's best weights fit once, the checkpoint beside them does not.
  if (!mount('size=100m')) return t.skip('a small file system cannot be mounted here');
  const job = drawnJob({ parameters: 'number_of_epochs: 2', more: 'name: big' });
  const options = { workspace, baseFolder: folder, weights: 'none' };
  const failed = await runHere(job, options);
  assert.equal(failed.status, 'Failed');
  assert.match(failed.error as string, /checkpoints.last\.safetensors: no space left on the disk/);

  assert.ok(mount('remount,size=600m'));
  const resumed = await runHere(job, options);
  assert.equal(resumed.status, 'Completed', String(resumed.error));
  assert.equal(resumed.epochs.length, 2);
});
