import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drawPictures } from '../fixtures/drawn-job.ts';
import { jobFolder, type TrialRecord } from './job-record.ts';

const program = fileURLToPath(new URL('../fixtures/run-killed.ts', import.meta.url));
let folder: string;
let workspace: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-killed-'));
  workspace = join(folder, 'workspace');
  await drawPictures(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the job, or goes on with it, until its end or its killing. @returns the signal that ended the process */
async function run(name: string, event = 'never', epoch = 0, delay = 0): Promise<string | null> {
  const child = spawn(process.execPath, [program, folder, workspace, name, event, String(epoch), String(delay)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [, signal] = await once(child, 'exit');
  return signal;
}

const record = (name: string): TrialRecord =>
  JSON.parse(readFileSync(join(jobFolder(workspace, name), 'kept.json'), 'utf8')).record;

/** All that must be the same again; speed may not be. */
const numbers = ({ epochs, best_epoch, metrics }: TrialRecord) =>
  JSON.parse(JSON.stringify({ epochs, best_epoch, metrics }), (key, value) =>
    /images_per_second|data_wait/.test(key) ? undefined : value,
  );

test('a job that is killed again and again ends with the very metrics of one that was left alone', async () => {
  assert.equal(await run('left_alone'), null);
  const killings: [event: string, epoch: number, delay: number][] = [
    ['step', 1, 0], // before anything was kept
    ['step', 2, 0],
    ['epoch', 3, 0], // evaluated, and nothing of it written
    ['epoch', 4, 20], // while the checkpoint is written, or about then
    ['verified', 0, 0], // trained, and the model folder not written
  ];
  for (const killing of killings) {
    assert.equal(await run('killed', ...killing), 'SIGKILL', String(killing));
    assert.equal(record('killed').status, 'Running');
  }
  assert.equal(await run('killed'), null);
  assert.equal(record('killed').status, 'Completed');
  assert.deepEqual(numbers(record('killed')), numbers(record('left_alone')));

  const left = readdirSync(jobFolder(workspace, 'killed'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    left.filter((file) => /\.tmp$|\.old$/.test(file)),
    [],
    'nothing half-written stays',
  );
  assert.deepEqual(
    left.toSorted().map((file) => file.replaceAll('killed', 'left_alone')),
    readdirSync(jobFolder(workspace, 'left_alone'), { recursive: true, encoding: 'utf8' }).toSorted(),
  );
});
