import assert from 'node:assert/strict';
import { globSync, statSync } from 'node:fs';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadStateDict, nn, type Tensor, writeSafetensors } from '@fovea/torch';
import { parse } from 'yaml';
import { linkOrCopy } from '../model-folder/link-or-copy.ts';
import { readModelFolder } from '../model-folder/read.ts';
import type { ModelContents } from '../model-folder/write.ts';
import { exportOnnx } from '../onnx/export.ts';
import { writeTrialOutputs } from './trial-outputs.ts';
import { modelFolderOf } from './trial-paths.ts';

const model = new nn.Sequential(new nn.Conv2d(3, 2, 3), new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
const contents: ModelContents = {
  task: 'image_classification_multilabel',
  modelName: 'resnet18',
  labels: ['ant', 'bee'],
  input: { mean: [0.5, 0.5, 0.5], std: [1, 1, 1], interpolation: 'bilinear', normalised_in_graph: false },
  settings: { valid_resize_size: 20, valid_crop_size: 16 },
  weights: model.stateDict(),
  onnx: exportOnnx(model, { inputShape: [1, 3, 16, 16] }),
  training: { job: 'amber_lynx' },
  weightsOrigin: { pretrained: false, weights: 'random', licence: null },
};

async function temporary(t: TestContext, parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'fovea-outputs-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const values = (weights: Map<string, Tensor>) => [...weights].map(([name, tensor]) => [name, tensor.toArray()]);

test('a trial leaves the documented tree', async (t) => {
  const folder = await temporary(t);
  await writeTrialOutputs(folder, contents);
  const files = globSync('**/*', { cwd: folder, exclude: ['**/mlflow-model/**'] }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  assert.deepEqual(files.sort(), [
    'outputs/conda_env_v_1_0_0.yml',
    'outputs/model.pt',
    'outputs/scoring_file_v_1_0_0.py',
    'train_artifacts/labels.json',
    'train_artifacts/model.onnx',
  ]);
  assert.deepEqual(JSON.parse(await readFile(join(folder, 'train_artifacts/labels.json'), 'utf8')), ['ant', 'bee']);
  const script = await readFile(join(folder, 'outputs/scoring_file_v_1_0_0.py'), 'utf8');
  assert.match(script, /^TASK_TYPE = "image-classification-multilabel"$/m);
  const environment = parse(await readFile(join(folder, 'outputs/conda_env_v_1_0_0.yml'), 'utf8'));
  assert.ok(environment.dependencies[2].pip.includes('onnxruntime>=1.16'));
  assert.deepEqual(values(await loadStateDict(join(folder, 'outputs/model.pt'))), values(model.stateDict()));
  assert.equal((await readModelFolder(modelFolderOf(folder), { checkWeights: true })).task, contents.task);
});

test('weights and graph are on the disk once in each form', async (t) => {
  const folder = await temporary(t);
  const best = join(folder, 'checkpoint_best.safetensors');
  await writeSafetensors(best, model.stateDict());
  await writeTrialOutputs(folder, { ...contents, stored: { weights: best } });
  for (const [one, other] of [
    [best, 'model.safetensors'],
    [join(folder, 'outputs/model.pt'), 'model.pt'],
    [join(folder, 'train_artifacts/model.onnx'), 'model.onnx'],
  ]) {
    assert.equal(statSync(one).ino, statSync(join(modelFolderOf(folder), 'artifacts', other)).ino, other);
  }
  await readModelFolder(modelFolderOf(folder), { checkWeights: true });
});

test('written again, what others have links to stays as it was', async (t) => {
  const folder = await temporary(t);
  await writeTrialOutputs(folder, contents);
  const kept = join(folder, 'kept.onnx');
  await linkOrCopy(join(modelFolderOf(folder), 'artifacts/model.onnx'), kept);
  const other = exportOnnx(model, { inputShape: [1, 3, 8, 8] });
  await writeTrialOutputs(folder, { ...contents, onnx: other, settings: { valid_resize_size: 8, valid_crop_size: 8 } });
  assert.deepEqual(await readFile(kept), Buffer.from(contents.onnx));
  assert.deepEqual(Buffer.from((await readModelFolder(modelFolderOf(folder))).onnx), Buffer.from(other));
});

test('where there are no links between two file systems, a file is copied', async (t) => {
  const memory = '/dev/shm';
  if (
    !(await access(memory)
      .then(() => true)
      .catch(() => false))
  )
    return t.skip(`no ${memory}`);
  const [here, there] = [await temporary(t), await temporary(t, memory)];
  if (statSync(here).dev === statSync(there).dev) return t.skip('one file system only');
  await writeFile(join(here, 'a'), 'content');
  await linkOrCopy(join(here, 'a'), join(there, 'a'));
  assert.equal(await readFile(join(there, 'a'), 'utf8'), 'content');
  await assert.rejects(linkOrCopy(join(here, 'none'), join(there, 'b')), { code: 'ENOENT' });
});
