import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { membersOf, tarGzOf, tarOf, zipOf } from '../fixtures/packed.ts';
import { servedWorkspace } from '../fixtures/served-workspace.ts';
import { Refusal } from '../refusal.ts';
import { modelSpecOf } from './asset-spec.ts';

const anywhere = { baseFolder: null, anywhere: true };
const colours = fileURLToPath(new URL('../../serving/fixtures/colours', import.meta.url));

async function workspace(t: TestContext) {
  const served = await servedWorkspace(t);
  const file = (name: string, bytes: Buffer) => {
    const path = join(served.folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  /** What the registry keeps, and what it has begun. */
  const kept = () => {
    const artefacts = join(served.place.folder, 'artefacts');
    mkdirSync(artefacts, { recursive: true });
    return readdirSync(artefacts);
  };
  return { ...served, file, kept };
}

test('an archive of a model is the model that was packed, whatever folder it was packed in', async (t) => {
  const { registry, file, kept, folder } = await workspace(t);
  const type = 'mlflow_model';
  const plain = await registry.createModel({ name: 'plain', path: colours, type }, anywhere);
  const archives = {
    'model.zip': zipOf(membersOf(colours, 'mlflow-model/')),
    'bare.zip': zipOf(membersOf(colours)),
    'large.zip': zipOf(membersOf(colours, 'a/b/'), { zip64: true }),
    'model.tar': await tarOf(membersOf(colours, './')),
    'model.tar.gz': await tarGzOf([
      { name: 'mlflow-model/', type: 'directory' as const },
      ...membersOf(colours, 'mlflow-model/'),
    ]),
    'model.tgz': await tarGzOf(membersOf(colours, 'outputs/mlflow-model/')),
  };
  for (const [name, bytes] of Object.entries(archives)) {
    const path = file(name, bytes);
    const row = await registry.createModel({ name: 'packed', path, type }, anywhere);
    assert.equal(row.content_hash, plain.content_hash, name);
    const { task, path: from, file: single } = modelSpecOf(row);
    assert.deepEqual([task, from, single], ['image_classification', path, null]);
  }
  assert.ok(!kept().some((name) => name.startsWith('.')), 'nothing half done is left');

  const asFile = await registry.createModel({ name: 'file', path: join(folder, 'model.zip') }, anywhere);
  assert.equal(modelSpecOf(asFile).file, 'model.zip', 'a custom model keeps its archive');
  const again = await registry.createModel({ name: 'packed', path: 'azureml:file:1', type }, anywhere);
  assert.equal(again.content_hash, plain.content_hash, 'which may become a model by its name');
});

test('an archive that is refused leaves nothing', async (t) => {
  const { registry, store, file, kept } = await workspace(t);
  const members = membersOf(colours, 'mlflow-model/');
  const other = (name: string, data: string) =>
    members.map((member) => (member.name.endsWith(name) ? { ...member, data: Buffer.from(data) } : member));
  const bad: [string, Buffer, RegExp][] = [
    ['slip.zip', zipOf([...members, { name: '../../../slipped', data: 'x' }]), /slip\.zip is not unpacked: .*slipped/],
    [
      'slip.tar',
      await tarOf([...members, { name: '/tmp/slipped', data: 'x' }]),
      /slip\.tar is not unpacked: .*absolute/,
    ],
    ['cut.tgz', (await tarGzOf(members)).subarray(0, -600), /cut\.tgz is not unpacked: it cannot be read as tar/],
    ['cut.zip', zipOf(members).subarray(0, -600), /cut\.zip is not unpacked: it cannot be read as zip/],
    [
      'none.zip',
      zipOf([{ name: 'a/x' }, { name: 'b/y' }]),
      /no file MLmodel at its top or in its one folder, where there is a, b/,
    ],
    ['empty.zip', zipOf([]), /where there is nothing/],
    ['text.gz', gzipSync('no tar'), /text\.gz is not unpacked: it cannot be read as tar/],
    ['photo.jpg', Buffer.from('ffd8ffe0', 'hex'), /photo\.jpg is no mlflow_model, and no archive that could hold one/],
    ['yaml.zip', zipOf(other('MLmodel', '- a')), /yaml\.zip\/MLmodel is not YAML that can be read/],
    ['onnx.zip', zipOf(other('fovea.json', '{}')), /onnx\.zip is a model folder that cannot be used/],
  ];
  for (const [name, bytes, message] of bad) {
    const path = file(name, bytes);
    await assert.rejects(registry.createModel({ name: 'm', path, type: 'mlflow_model' }, anywhere), (error) => {
      assert.ok(error instanceof Refusal, String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /artefacts/, 'where it was unpacked means nothing to anybody');
      return true;
    });
    assert.deepEqual(kept(), [], name);
  }
  assert.deepEqual((await store.assets.list({ kind: 'model', archived: 'all' })).rows, []);
});

test('REST registers an archive of the datastore for those who may not name files of the machine', async (t) => {
  const { ask, place } = await workspace(t);
  const lake = join(place.folder, 'datastores', 'workspaceblobstore');
  mkdirSync(lake, { recursive: true });
  writeFileSync(join(lake, 'model.zip'), zipOf(membersOf(colours, 'mlflow-model/')));
  const properties = {
    modelUri: 'azureml://datastores/workspaceblobstore/paths/model.zip',
    modelType: 'mlflow_model',
  };
  const made = await ask('PUT', 'models/m/versions/1', { body: { properties }, as: 'contributor' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.ok('python_function' in made.body.properties.flavors);
  assert.equal(readFileSync(join(lake, 'model.zip')).toString('latin1', 0, 2), 'PK', 'it stays where it is');
});
