import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { servedWorkspace } from '../fixtures/served-workspace.ts';
import { Refusal } from '../refusal.ts';
import { modelSpecOf } from './asset-spec.ts';
import { keptFolderOf } from './content.ts';
import { pinData, withDataPaths } from './job-data.ts';

const anywhere = { baseFolder: null, anywhere: true };

/** A workspace with a job that has ended, and what its trial left. */
async function withTrial(t: TestContext) {
  const served = await servedWorkspace(t);
  const { store, place } = served;
  const training_data = { path: 'azureml:pets:3' };
  await store.jobs.add({ ...newJob('j'), spec: { task: 'image_classification', training_data } });
  await store.trials.add(newTrial('j', 0));
  await store.trials.transition('j_HD_0', { from: ['NotStarted'], to: 'Completed' });
  await store.jobs.transition('j', { from: ['NotStarted'], to: 'Completed', set: { best_trial: 'j_HD_0' } });
  const folder = join(place.folder, 'jobs', 'j', 'j_HD_0');
  const model = join(folder, 'outputs', 'mlflow-model');
  write(join(model, 'MLmodel'), 'flavors: {python_function: {loader_module: x}}\n');
  write(join(model, 'artifacts', 'settings.json'), '{"valid_resize_size": 256}');
  write(join(model, 'artifacts', 'weights'), 'w'.repeat(2 << 20));
  write(join(folder, 'outputs', 'model.pt'), 'pt');
  write(join(folder, 'secret.json'), 'not an output');
  return { ...served, trialFolder: folder };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

test('a model of a trial is kept with its hashes and with where it comes from, and outlives the trial', async (t) => {
  const { registry, place, trialFolder } = await withTrial(t);
  const path = 'azureml://jobs/j_HD_0/outputs/artifacts/outputs/mlflow-model/';
  const row = await registry.createModel({ name: 'pets', path, type: 'mlflow_model' }, anywhere);
  assert.deepEqual([row.version, row.job, row.data], ['1', 'j', ['azureml:pets:3']]);
  assert.deepEqual(
    [modelSpecOf(row).trial, modelSpecOf(row).flavors],
    ['j_HD_0', { python_function: { data: { loader_module: 'x' } } }],
  );

  const kept = keptFolderOf(place, row.content_hash ?? '');
  execFileSync('sha256sum', ['--check', '--quiet', '../SHA256SUMS'], { cwd: kept });
  const inode = (file: string) => statSync(file).ino;
  const original = join(trialFolder, 'outputs', 'mlflow-model', 'artifacts');
  assert.equal(
    inode(join(kept, 'artifacts', 'weights')),
    inode(join(original, 'weights')),
    'large files are not kept twice',
  );
  assert.notEqual(
    inode(join(kept, 'artifacts', 'settings.json')),
    inode(join(original, 'settings.json')),
    'what people edit is',
  );

  const same = await registry.createModel(
    { name: 'other', path: 'azureml://jobs/j/outputs/best_model', type: 'mlflow_model' },
    anywhere,
  );
  assert.equal(same.content_hash, row.content_hash, 'the best trial of the job');
  for (const form of [
    'azureml://jobs/j_HD_0/outputs/artifacts/paths/outputs/mlflow-model/',
    'runs:/j_HD_0/outputs/mlflow-model',
    'azureml://subscriptions/s/resourcegroups/g/workspaces/w/jobs/j_HD_0/outputs/artifacts/outputs/mlflow-model',
    'azureml:pets:1',
    'azureml:pets@latest',
  ]) {
    const again = await registry.createModel({ name: 'forms', path: form, type: 'mlflow_model' }, anywhere);
    assert.equal(again.content_hash, row.content_hash, form);
  }
  const file = await registry.createModel(
    { name: 'file', path: 'azureml://jobs/j_HD_0/outputs/artifacts/outputs/model.pt' },
    anywhere,
  );
  assert.deepEqual([modelSpecOf(file).file, modelSpecOf(file).type], ['model.pt', 'custom_model']);

  rmSync(join(place.folder, 'jobs'), { recursive: true });
  const copy = await registry.download(row, join(place.folder, 'downloads'));
  assert.equal(copy, join(place.folder, 'downloads', 'pets'));
  assert.equal(readFileSync(join(copy, 'artifacts', 'weights'), 'utf8').length, 2 << 20);
  await assert.rejects(registry.download(row, join(place.folder, 'downloads')), refused('FileExists'));

  write(join(copy, 'artifacts', 'settings.json'), '{"valid_resize_size": 300}');
  const edited = await registry.createModel({ name: 'pets', path: copy, type: 'mlflow_model' }, anywhere);
  assert.equal(edited.version, '2');
  assert.notEqual(edited.content_hash, row.content_hash);
  assert.equal((await registry.find('model', 'pets', '@latest')).version, '2');
  await registry.setArchived('model', 'pets', '2', true);
  assert.equal((await registry.find('model', 'pets', '@latest')).version, '1');
  await registry.setArchived('model', 'pets', '2', false);
});

test('a version never changes, and its files go with the last version that has them', async (t) => {
  const { registry, place, folder } = await withTrial(t);
  write(join(folder, 'a', 'x'), 'one');
  write(join(folder, 'b', 'x'), 'one');
  const first = await registry.createModel({ name: 'm', version: '1', path: join(folder, 'a') }, anywhere);
  await assert.rejects(
    registry.createModel({ name: 'm', version: '1', path: join(folder, 'b') }, anywhere),
    refused('ModelVersionExists'),
  );
  const second = await registry.createModel({ name: 'm', path: join(folder, 'b') }, anywhere);
  const kept = keptFolderOf(place, first.content_hash ?? '');
  assert.equal(second.content_hash, first.content_hash);
  // The same files as data, and their hashes alone, are another matter.
  const data = await registry.createData({ name: 'd', path: join(folder, 'a') }, anywhere);
  assert.equal(data.content_hash, first.content_hash);
  await registry.delete('model', 'm', '1');
  assert.ok(existsSync(join(kept, 'x')));
  await registry.delete('model', 'm', '2');
  assert.ok(!existsSync(kept));
  assert.equal(await registry.delete('model', 'm', '2'), false);
});

test('a model that a deployment serves is not deleted', async (t) => {
  const { registry, store, folder } = await withTrial(t);
  write(join(folder, 'a', 'x'), 'one');
  await registry.createModel({ name: 'm', path: join(folder, 'a') }, anywhere);
  await store.resources.add('online-deployment', 'pets/blue', { model: 'azureml:m:1' });
  await assert.rejects(registry.delete('model', 'm', '1'), refused('ModelInUse'));
  await store.resources.delete('online-deployment', 'pets/blue');
  assert.equal(await registry.delete('model', 'm', '1'), true);
});

test('damage is noticed, not handed on', async (t) => {
  const { registry, place, folder } = await withTrial(t);
  write(join(folder, 'a', 'x'), 'one');
  const row = await registry.createModel({ name: 'm', path: join(folder, 'a') }, anywhere);
  const file = join(keptFolderOf(place, row.content_hash ?? ''), 'x');
  rmSync(file);
  write(file, 'two');
  await assert.rejects(registry.download(row, join(folder, 'out')), refused('ContentDamaged'));
});

test('no name, version or path leads out of where it belongs', async (t) => {
  const { registry, folder, place } = await withTrial(t);
  write(join(folder, 'secret'), 'secret');
  const into = (path: string, where = anywhere) => registry.createModel({ name: 'm', path }, where);
  for (const name of ['..', 'a/b', '', '.hidden', 'a'.repeat(256), 'a\0']) {
    await assert.rejects(registry.createModel({ name, path: folder }, anywhere), refused('InvalidName'), name);
  }
  await assert.rejects(
    registry.createModel({ name: 'm', version: '../1', path: folder }, anywhere),
    refused('InvalidVersion'),
  );
  for (const path of [
    'azureml://jobs/j_HD_0/outputs/artifacts/secret.json',
    'azureml://jobs/j_HD_0/outputs/artifacts/outputs/../secret.json',
    'azureml://jobs/j_HD_0/outputs/artifacts/outputs/..%2f..%2f..%2f..%2f..%2fsecret',
    'azureml://jobs/j_HD_0/outputs/artifacts/',
    'azureml://jobs/nobody/outputs/artifacts/outputs/',
    'azureml://jobs/j_HD_0/outputs/other/',
    'runs:/j_HD_0/../secret',
    'azureml://datastores/workspaceblobstore/paths/../../secret',
    'azureml://datastores/other/paths/x',
  ]) {
    await assert.rejects(into(path), refused('PathNotFound'), path);
  }
  await assert.rejects(into('https://example.org/model'), refused('UnsupportedPath'));
  await assert.rejects(into('models/m'), refused('ValidationError'), 'a relative path means nothing here');

  const links = join(folder, 'links');
  write(join(links, 'x'), 'x');
  symlinkSync(join(folder, 'secret'), join(links, 'out'));
  await assert.rejects(into(links), refused('UnsafeContent'));
  const outputs = join(place.folder, 'jobs', 'j', 'j_HD_0', 'outputs');
  symlinkSync(folder, join(outputs, 'up'));
  await assert.rejects(into('azureml://jobs/j_HD_0/outputs/artifacts/outputs/up/secret'), refused('PathNotFound'));

  const nobody = { baseFolder: null, anywhere: false };
  for (const path of [folder, join(folder, 'secret'), `file://${folder}/secret`, '/nowhere']) {
    await assert.rejects(into(path, nobody), refused('PathNotAllowed'), path);
  }
  const lake = join(place.folder, 'datastores', 'workspaceblobstore');
  write(join(lake, 'm', 'x'), 'x');
  symlinkSync(folder, join(lake, 'up'));
  await assert.rejects(into(join(lake, 'up', 'secret'), nobody), refused('PathNotAllowed'));
  await assert.rejects(
    into('azureml://datastores/workspaceblobstore/paths/up/secret', nobody),
    refused('PathNotFound'),
  );
  assert.equal((await into('azureml://datastores/workspaceblobstore/paths/m', nobody)).version, '1');
  assert.deepEqual(
    readdirSync(join(place.folder, 'artefacts')).filter((name) => name.startsWith('.new')),
    [],
  );
});

test('a description of a model that is made to hurt is refused', async (t) => {
  const { registry, folder } = await withTrial(t);
  const bombs = [
    '['.repeat(100_000),
    'a: &a [x]\nb: &b [*a, *a]\n'.concat(
      ...Array.from({ length: 60 }, (_, i) => `c${i}: &c${i} [${`*${i ? `c${i - 1}` : 'b'}, `.repeat(9)}]\n`),
    ),
    '\0',
    '- a',
    'x'.repeat(2 << 20),
  ];
  for (const bomb of bombs) {
    write(join(folder, 'bomb', 'MLmodel'), bomb);
    const model = { name: 'm', path: join(folder, 'bomb'), type: 'mlflow_model' } as const;
    await assert.rejects(registry.createModel(model, anywhere), refused('ValidationError'), bomb.slice(0, 20));
  }
});

test('a model of a trial that still runs is not there yet', async (t) => {
  const { registry, store } = await withTrial(t);
  await store.trials.add(newTrial('j', 1));
  const path = 'azureml://jobs/j_HD_1/outputs/artifacts/outputs/';
  await assert.rejects(registry.createModel({ name: 'm', path }, anywhere), (error) => error instanceof Refusal);
});

test('a job that names data is trained on what was registered, or not at all', async (t) => {
  const { registry, store, place, folder } = await withTrial(t);
  const pets = join(folder, 'pets');
  write(join(pets, 'MLTable'), 'paths: []\n');
  write(join(pets, 'labels.jsonl'), '{}\n');
  await registry.createData({ name: 'pets', path: pets, type: 'mltable' }, anywhere);
  await assert.rejects(
    registry.createData({ name: 'x', path: pets, type: 'uri_file' }, anywhere),
    refused('ValidationError'),
  );
  await assert.rejects(
    registry.createData({ name: 'x', path: join(pets, 'MLTable'), type: 'mltable' }, anywhere),
    refused('ValidationError'),
  );
  const input = { type: 'mltable', mode: 'direct' } as const;
  const job = { training_data: { ...input, path: 'azureml:pets@latest' } };
  const pinned = await pinData(store, job);
  assert.equal(pinned.training_data.path, 'azureml:pets:1');
  assert.equal((await withDataPaths(place, store, pinned)).training_data.path, pets);
  await assert.rejects(
    pinData(store, { training_data: { ...input, path: 'azureml:cats:1' } }),
    refused('DataNotFound'),
  );

  write(join(pets, 'labels.jsonl'), '[]\n');
  write(join(pets, 'more.png'), '');
  await assert.rejects(withDataPaths(place, store, pinned), (error: Error) => {
    assert.match(error.message, /1 file changed \(labels\.jsonl\), 1 file added \(more\.png\)/);
    return refused('DataChanged')(error);
  });
  assert.equal((await withDataPaths(place, store, pinned, { resumes: true })).training_data.path, pets);
  write(join(pets, 'labels.jsonl'), '{}\n');
  rmSync(join(pets, 'more.png'));
  assert.equal((await withDataPaths(place, store, pinned)).training_data.path, pets, 'as it was registered');
});
