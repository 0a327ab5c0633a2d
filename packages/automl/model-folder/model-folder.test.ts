import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadPth, nn, readSafetensors, type Tensor } from '@fovea/torch';
import { parse } from 'yaml';
import { exportOnnx } from '../onnx/export.ts';
import { inspectOnnx } from '../onnx/inspect.ts';
import { modelNames } from '../spec/tasks.ts';
import { writeExampleFolder } from './example-folder.ts';
import { readModelFolder } from './index.ts';
import { pythonArchitecture } from './python-architecture.ts';
import { type ModelContents, writeModelFolder } from './write.ts';

const model = new nn.Sequential(new nn.Conv2d(3, 2, 3), new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
/** Bound to 16 × 16 by its linear layer. */
const fixed = new nn.Sequential(new nn.Flatten(), new nn.Linear(3 * 16 * 16, 2));

const contents: ModelContents = {
  task: 'image_classification',
  modelName: 'resnet18',
  labels: ['ant', 'bee'],
  input: {
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    interpolation: 'bilinear',
    normalised_in_graph: false,
  },
  settings: { valid_resize_size: 20, valid_crop_size: 16 },
  weights: model.stateDict(),
  onnx: exportOnnx(model, { inputShape: [1, 3, 16, 16] }),
  training: { job: 'amber_lynx', trial: 'amber_lynx_HD_0', metrics: { accuracy: 0.96 } },
  weightsOrigin: { pretrained: true, weights: 'resnet18-f37072fd.pth', licence: 'BSD-3-Clause' },
};

let parent: string;
let folder: string;
before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fovea-model-'));
});
after(() => rm(parent, { recursive: true }));
beforeEach(async () => {
  folder = join(parent, 'mlflow-model');
  await writeModelFolder(folder, contents);
});

const file = (path: string) => join(folder, path);
const text = (path: string) => readFile(file(path), 'utf8');
const edit = (path: string, value: unknown) => writeFile(file(path), JSON.stringify(value));

describe('a model folder', () => {
  test('has the tree of an MLflow model and nothing temporary beside it', async () => {
    assert.deepEqual((await readdir(folder)).sort(), [
      'MLmodel',
      'artifacts',
      'code',
      'conda.yaml',
      'fovea.json',
      'python_env.yaml',
      'python_model.pkl',
      'requirements.txt',
    ]);
    assert.deepEqual((await readdir(file('artifacts'))).sort(), [
      'labels.json',
      'model.onnx',
      'model.pt',
      'model.safetensors',
      'settings.json',
    ]);
    assert.deepEqual(await readdir(parent), ['mlflow-model']);
  });

  test('says in MLmodel what Azure says of its own image models', async () => {
    const { flavors, metadata, signature, ...rest } = parse(await text('MLmodel'), { version: '1.1' });
    assert.equal(metadata.base_model_task, 'image-classification');
    assert.deepEqual(flavors.python_function.env, { conda: 'conda.yaml', virtualenv: 'python_env.yaml' });
    assert.equal(flavors.python_function.artifacts.settings.path, 'artifacts/settings.json');
    assert.equal(signature.inputs, '[{"type": "binary", "name": "image"}]');
    assert.match(signature.outputs, /^\[\{"type": "string", "name": "probs"\}, \{"type": "string", "name": "labels"\}/);
    assert.equal(signature.params, null);
    assert.match(rest.model_uuid, /^[0-9a-f]{32}$/);
    assert.match(rest.utc_time_created, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  });

  test('names no file that is not there', async () => {
    const { flavors } = parse(await text('MLmodel'), { version: '1.1' });
    assert.equal(flavors.python_function.artifacts.model.path, 'artifacts/model.pt');
    const paths = [
      flavors.python_function.python_model,
      `${flavors.python_function.code}/fovea_scoring.py`,
      ...Object.values<{ path: string }>(flavors.python_function.artifacts).map(({ path }) => path),
      ...Object.values<string>(flavors.python_function.env),
      flavors.onnx.data,
      flavors.fovea.data,
    ];
    for (const path of paths) assert.ok((await text(path)).length > 0, path);
    assert.equal(parse(await text('conda.yaml')).name, 'mlflow-env');
    assert.match(parse(await text('python_env.yaml')).dependencies[0], /requirements\.txt/);
  });

  test('gives back what was written', async () => {
    const read = await readModelFolder(folder, { checkWeights: true });
    assert.equal(read.task, 'image_classification');
    assert.equal(read.modelName, 'resnet18');
    assert.deepEqual(read.labels, ['ant', 'bee']);
    assert.deepEqual(read.input, contents.input);
    assert.deepEqual(read.settings, contents.settings);
    assert.deepEqual(read.training, contents.training);
    assert.deepEqual(read.weightsOrigin, contents.weightsOrigin);
    assert.deepEqual(Buffer.from(read.onnx), Buffer.from(contents.onnx));
    assert.deepEqual([read.inputName, read.outputName], ['input1', 'output1']);
    const weights = await readSafetensors(read.weights);
    assert.deepEqual([...weights.keys()].sort(), [...model.stateDict().keys()].sort());
  });

  test('replaces the one that was there before', async () => {
    await writeModelFolder(folder, { ...contents, labels: ['x', 'y'] });
    assert.deepEqual((await readModelFolder(folder)).labels, ['x', 'y']);
    assert.deepEqual(await readdir(parent), ['mlflow-model']);
  });

  test('stays as it was when writing the next one fails', async () => {
    const broken = { ...contents, onnx: null as unknown as Uint8Array };
    await assert.rejects(writeModelFolder(folder, broken));
    assert.deepEqual((await readModelFolder(folder)).labels, ['ant', 'bee']);
    assert.deepEqual(await readdir(parent), ['mlflow-model']);
  });
});

describe('edited settings', () => {
  test('take effect, and sizes reach the graph', async () => {
    await edit('artifacts/settings.json', { valid_resize_size: 40, valid_crop_size: 32 });
    const { settings, onnx } = await readModelFolder(folder);
    assert.deepEqual(settings, { valid_resize_size: 40, valid_crop_size: 32 });
    assert.deepEqual(inspectOnnx(onnx, 'model.onnx').inputs[0].shape, ['batch', 3, 32, 32]);
  });

  test('that are left out are as in training', async () => {
    await edit('artifacts/settings.json', { valid_resize_size: 40 });
    assert.deepEqual((await readModelFolder(folder)).settings, { valid_resize_size: 40, valid_crop_size: 16 });
  });

  test('are checked all at once', async () => {
    await edit('artifacts/settings.json', { valid_crop_size: '224', valid_resize: 256, model_name: 'resnet50' });
    await assert.rejects(readModelFolder(folder), (error: Error) => {
      assert.match(error.message, /settings\.json/);
      assert.match(error.message, /valid_crop_size is "224" and should be a whole number of pixels/);
      assert.match(error.message, /"valid_resize" is not a setting/);
      assert.match(error.message, /model_name cannot be changed: the weights are those of "resnet18"/);
      assert.match(error.message, /Settings that can be changed are valid_resize_size, valid_crop_size/);
      return true;
    });
  });

  test('of a size that the network cannot take are refused', async () => {
    await writeModelFolder(folder, {
      ...contents,
      weights: fixed.stateDict(),
      onnx: exportOnnx(fixed, { inputShape: [1, 3, 16, 16] }),
    });
    await readModelFolder(folder);
    await edit('artifacts/settings.json', { valid_crop_size: 32 });
    await assert.rejects(readModelFolder(folder), /takes images of 16 × 16 only\. Set valid_crop_size back to 16/);
  });
});

describe('a damaged folder is refused with the file and the reason:', () => {
  test('a missing file', async () => {
    for (const path of [
      'fovea.json',
      'artifacts/labels.json',
      'artifacts/model.onnx',
      'artifacts/model.safetensors',
      'artifacts/settings.json',
    ]) {
      await writeModelFolder(folder, contents);
      await rm(file(path));
      await assert.rejects(readModelFolder(folder), {
        code: 'missing-file',
        message: new RegExp(`${path}: the file is not there`),
      });
    }
  });

  test('a changed file', async () => {
    await edit('artifacts/labels.json', ['ant', 'wasp']);
    await assert.rejects(readModelFolder(folder), { code: 'changed-file', message: /labels\.json/ });
    await writeModelFolder(folder, contents);
    const weights = await readFile(file('artifacts/model.safetensors'));
    weights[weights.length - 1] ^= 1;
    await writeFile(file('artifacts/model.safetensors'), weights);
    await readModelFolder(folder);
    await assert.rejects(readModelFolder(folder, { checkWeights: true }), { code: 'changed-file' });
  });

  test('labels that do not fit the graph', async () => {
    await writeModelFolder(folder, { ...contents, labels: ['a', 'b', 'c'] });
    await assert.rejects(readModelFolder(folder), /there are 3 labels, and the graph's output is \[batch, 2\]/);
  });

  test('metadata that is not ours, or from the future', async () => {
    await writeFile(file('fovea.json'), '{"format_version": 1, ');
    await assert.rejects(readModelFolder(folder), { code: 'invalid-file', message: /fovea\.json: it is not JSON/ });
    await edit('fovea.json', { format_version: 7 });
    await assert.rejects(readModelFolder(folder), { code: 'unknown-format', message: /Use a newer fovea/ });
    for (const value of [
      null,
      [],
      3,
      {},
      { format_version: 1 },
      { format_version: 1, task: 'toString', model_name: 'x' },
    ]) {
      await edit('fovea.json', value);
      await assert.rejects(readModelFolder(folder), { code: 'invalid-file' });
    }
  });
});

test('a multi-label model says so everywhere, with the probability from which on a label is present', async () => {
  await writeModelFolder(folder, { ...contents, task: 'image_classification_multilabel' });
  assert.equal(parse(await text('MLmodel')).metadata.base_model_task, 'image-classification-multilabel');
  assert.equal(JSON.parse(await text('artifacts/settings.json')).task_type, 'image-classification-multilabel');
  const checkpoint = (await loadPth(file('artifacts/model.pt'))) as Map<string, unknown>;
  assert.equal(checkpoint.get('task_type'), 'image-classification-multilabel');
  const { task, threshold } = await readModelFolder(folder);
  assert.deepEqual([task, threshold], ['image_classification_multilabel', 0.5]);

  const metadata = JSON.parse(await text('fovea.json'));
  await edit('fovea.json', { ...metadata, threshold: undefined });
  assert.equal((await readModelFolder(folder)).threshold, 0.5, 'of a folder from before it was written');
  await edit('fovea.json', { ...metadata, threshold: '0.5' });
  await assert.rejects(readModelFolder(folder), /threshold should be a number, 0 … 1/);
});

test('the files for Python may be left out, and are not read unless asked for', async () => {
  for (const path of ['artifacts/model.pt', 'python_model.pkl', 'code/fovea_scoring.py']) {
    await writeModelFolder(folder, contents);
    await writeFile(file(path), 'changed');
    await readModelFolder(folder);
    await assert.rejects(readModelFolder(folder, { checkWeights: true }), { code: 'changed-file' });
    await rm(file(path));
    await readModelFolder(folder, { checkWeights: true });
  }
});

test('the checkpoint holds what a program in PyTorch needs', async () => {
  const { state_dict, input, training, ...rest } = Object.fromEntries(
    (await loadPth(file('artifacts/model.pt'))) as Map<string, unknown>,
  ) as Record<string, unknown> & Record<'state_dict' | 'input', Map<string, Tensor>>;
  assert.deepEqual([...state_dict.keys()], [...model.stateDict().keys()]);
  assert.deepEqual(state_dict.get('0.weight')?.toArray(), model.stateDict().get('0.weight')?.toArray());
  const { mean, std } = contents.input;
  assert.deepEqual(
    [...input].map(([name, tensor]) => [name, tensor.toArray()]),
    [
      ['mean', mean.map(Math.fround)],
      ['std', std.map(Math.fround)],
    ],
  );
  assert.deepEqual(JSON.parse(training as string), contents.training);
  assert.deepEqual(rest, {
    format: 'fovea-model-1',
    model_name: 'resnet18',
    task_type: 'image-classification',
    labels: ['ant', 'bee'],
    settings: new Map(Object.entries(contents.settings)),
    architecture: new Map<string, unknown>([
      ['library', 'torchvision'],
      ['name', 'resnet18'],
      ['options', new Map()],
    ]),
  });
});

test('every model that jobs can name has a library in Python that builds it', () => {
  for (const name of modelNames.image_classification) assert.ok(pythonArchitecture(name, 224), name);
  assert.deepEqual(pythonArchitecture('vitb16r224', 384), {
    library: 'timm',
    name: 'vit_base_patch16_224',
    options: { img_size: 384 },
  });
  assert.equal(pythonArchitecture('tinynet', 224), null);
});

test('the folder that serving is tested with, written by the first version, reads as one that is written today', async () => {
  const kept = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));
  const fresh = join(parent, 'colours');
  await writeExampleFolder(fresh);
  const {
    onnx: keptGraph,
    weights: keptWeights,
    folder: _,
    ...keptRest
  } = await readModelFolder(kept, { checkWeights: true });
  const { onnx, weights, folder: __, ...rest } = await readModelFolder(fresh, { checkWeights: true });
  assert.deepEqual(keptRest, rest);
  assert.deepEqual(inspectOnnx(keptGraph, 'kept'), inspectOnnx(onnx, 'fresh'));
  assert.deepEqual(await readFile(keptWeights), await readFile(weights));
  await rm(fresh, { recursive: true });
});
