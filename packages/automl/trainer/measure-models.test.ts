import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeSafetensors } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { drawPictures } from '../fixtures/drawn-job.ts';
import { prepareJob } from '../job/prepare-job.ts';
import type { ImageJob } from '../spec/job.ts';
import { parseJob } from '../spec/parse.ts';
import { measureModels } from './measure-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-measure-'));
before(() => drawPictures(folder));
after(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;

function automode(limits: string): ImageJob & { name: string } {
  const text = `type: automl
task: image_classification
name: measured
target_column_name: label
training_data: {path: images}
training_parameters: {training_crop_size: 32, validation_crop_size: 32, validation_resize_size: 36}
limits: {max_trials: 4${limits}}
`;
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  return { ...job, name: 'measured' };
}

async function measure(weights: string, models: readonly string[], { limits = '', secondsLeft = 1e5 } = {}) {
  const job = automode(limits);
  const place = { folder: join(folder, 'job'), cacheFolder: join(folder, 'cache') };
  const setting = await prepareJob(
    job,
    { baseFolder: folder, weights, fitToData: true },
    { ...place, findRun: async () => null, resumes: false, report: () => {}, signal },
  );
  const lines: string[] = [];
  const report = (event: { type: string; message?: string }) => {
    if (event.type === 'log') lines.push(event.message ?? '');
  };
  const options = { threads: 2, secondsLeft, report, signal };
  return { found: await measureModels({ job, setting, ...place }, models, options), lines };
}

test('models are timed with what they would be trained with, and it is plain data', async () => {
  const { found, lines } = await measure('none', ['mobilenetv2', 'resnet18']);
  for (const { fits, secondsPerEpoch, secondsPerFullEpoch, startSeconds, peakMemoryBytes, pretrained } of found) {
    assert.equal(fits, true);
    assert.ok(secondsPerEpoch > 0 && secondsPerFullEpoch >= secondsPerEpoch && startSeconds > 1);
    assert.ok(peakMemoryBytes > 10e6 && peakMemoryBytes < 4e9, `${peakMemoryBytes}`);
    assert.equal(pretrained, false);
  }
  // From random weights three times the documented 15 epochs.
  assert.equal(found[0].hyperparameters.number_of_epochs, 45);
  assert.equal(found[0].hyperparameters.training_crop_size, 32);
  assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
  assert.match(lines[1], /^resnet18: \d+\.\d s an epoch, .* random weights$/);
});

test('weights that are named fit one model; the others are left out with the reason', async () => {
  const path = join(folder, 'weights.safetensors');
  await writeSafetensors(path, createModel('resnet18', { classes: 2 }).stateDict());
  const { found, lines } = await measure(path, ['mobilenetv2', 'resnet18', 'resnet34']);
  assert.deepEqual(
    found.map(({ fits, pretrained }) => [fits, pretrained]),
    [
      [false, false],
      [true, true],
      [false, false],
    ],
  );
  assert.equal(found[1].hyperparameters.layers_to_freeze, 5);
  assert.ok(found[1].secondsPerFullEpoch >= found[1].secondsPerEpoch);
  assert.equal(found[2].why, 'the weights that are named are those of resnet18');
  assert.match(lines[0], /^mobilenetv2 is left out: /);
});

test('what takes longer than there is rules out what is larger', async () => {
  const { found } = await measure('none', ['resnet18', 'resnet34'], {
    limits: ', timeout_minutes: 1',
    secondsLeft: 0.01,
  });
  assert.deepEqual(
    found.map(({ fits }) => fits),
    [false, false],
  );
  assert.match(found[0].why ?? '', /an epoch takes about 1 min, longer than there is/);
  assert.match(found[1].why ?? '', /^larger than resnet18, /);
});
