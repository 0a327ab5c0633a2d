import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { remoteWorkspace } from '../fixtures/remote-workspace.ts';
import { dataSpecOf } from '../registry/asset-spec.ts';
import { usualLimits } from '../server/upload-list.ts';
import { connect } from './connection.ts';
import { openRemoteRegistry } from './index.ts';
import { sendFiles } from './send-files.ts';
import { readToSend, toSend } from './sent-files.ts';

const anywhere = { baseFolder: null, anywhere: true };

async function opened(t: TestContext, options: Parameters<typeof remoteWorkspace>[1] = {}) {
  const server = await remoteWorkspace(t, options);
  const registry = await openRemoteRegistry(server.address('contributor'));
  t.after(() => registry.close());
  const here = join(server.folder, 'here');
  mkdirSync(join(here, 'set', 'deep'), { recursive: true });
  return { ...server, registry, here };
}

test('a connection that breaks while files are sent costs what was on its way, and no more', async (t) => {
  const { registry, here, line, restart } = await opened(t);
  const large = randomBytes(6 << 20);
  writeFileSync(join(here, 'set', 'large'), large);
  for (let i = 0; i < 200; i++) writeFileSync(join(here, 'set', 'deep', `${i}`), `number ${i}`);
  line.cutAfter = 3 << 20;
  const creating = registry.createData({ name: 'set', path: join(here, 'set') }, anywhere);
  while (line.cutAfter !== Number.POSITIVE_INFINITY) await new Promise((resolve) => setTimeout(resolve, 5));
  await restart();
  const row = await creating;
  const { location, path, files } = dataSpecOf(row);
  assert.deepEqual([path, files], [join(here, 'set'), 201]);
  assert.ok(readFileSync(join(location, 'large')).equals(large));
  assert.equal(readFileSync(join(location, 'deep', '7'), 'utf8'), 'number 7');
  assert.ok(line.sent < 11 << 20, `${line.sent} bytes for 6 MiB`);
  assert.equal(statSync(join(location, 'large')).mode & 0o222, 0, 'nobody changes it');
});

test('who stops and sends again later sends the rest', async (t) => {
  const { address, here, line } = await opened(t);
  const connection = connect(address('contributor'));
  t.after(() => connection.close());
  writeFileSync(join(here, 'set', 'large'), randomBytes(5 << 20));
  const files = await readToSend(await toSend(join(here, 'set')), {});
  const stopping = new AbortController();
  const onBytes = (done: number) => done > 3 << 20 && stopping.abort();
  await assert.rejects(sendFiles(connection, files, { onBytes, signal: stopping.signal }), { name: 'AbortError' });
  const before = line.sent;
  await sendFiles(connection, files);
  assert.ok(line.sent - before < 4 << 20, `${line.sent - before} bytes more`);
});

test('a file that changes while it is sent is not taken', async (t) => {
  const { address, here } = await opened(t);
  const connection = connect(address('contributor'));
  t.after(() => connection.close());
  const file = join(here, 'set', 'file');
  for (const [before, after] of [
    ['what it was', 'what it is!'],
    ['what it was', 'less'],
  ]) {
    writeFileSync(file, before);
    const files = await readToSend(await toSend(file), {});
    writeFileSync(file, after);
    await assert.rejects(sendFiles(connection, files), /set\/file has changed while it was sent; send it again/);
  }
});

test('what is too much for the server is told before anything is sent, and nothing is registered', async (t) => {
  const uploadLimits = { ...usualLimits, mostFileBytes: 1000, mostBytes: 1500 };
  const { registry, here, line } = await opened(t, { uploadLimits });
  writeFileSync(join(here, 'set', 'a'), Buffer.alloc(1001));
  const create = () => registry.createData({ name: 'set', path: join(here, 'set') }, anywhere);
  await assert.rejects(create(), /set\/a with 1,001 bytes: this server takes at most files of 1,000 bytes/);
  writeFileSync(join(here, 'set', 'a'), Buffer.alloc(900));
  writeFileSync(join(here, 'set', 'b'), Buffer.alloc(800));
  await assert.rejects(create(), /1,700 bytes: this server takes at most 1,500 bytes/);
  assert.ok(line.sent < 20_000);
  assert.deepEqual(await registry.list('data'), []);
});

test('models and data of another machine are registered, changed and fetched', async (t) => {
  const { registry, here, folder, place } = await opened(t);
  writeFileSync(join(here, 'set', 'deep', 'weights'), 'weights');
  symlinkSync(join(here, 'set', 'deep', 'weights'), join(here, 'set', 'link'));
  const given = { name: 'm', path: 'set', tags: { of: 'me' } };
  const row = await registry.createModel(given, { baseFolder: here, anywhere: true });
  assert.deepEqual([row.version, (row.spec as { path: string }).path, row.tags], ['1', 'set', { of: 'me' }]);
  assert.deepEqual(globSync('uploads/trees/*', { cwd: place.folder }), [], 'the registry has its own copy');
  const fetched = await registry.download(await registry.resolve('model', 'azureml:m@latest'), join(folder, 'fetched'));
  assert.equal(readFileSync(join(fetched, 'link'), 'utf8'), 'weights');
  await assert.rejects(
    registry.createModel({ ...given, type: 'mlflow_model' }, { baseFolder: here, anywhere: true }),
    /^\w+: set is no mlflow_model|set is no mlflow_model/,
  );
  await assert.rejects(registry.createData({ name: 'd', path: join(here, 'not') }, anywhere), /not is not there/);
  await assert.rejects(registry.createData({ name: 'd', path: 'https://example.com/x' }, anywhere), /cannot be sent/);
  const data = await registry.createData(
    { name: 'd', path: join(here, 'set', 'deep', 'weights'), type: 'uri_file' },
    anywhere,
  );
  assert.equal(readFileSync(dataSpecOf(data).location, 'utf8'), 'weights');
  assert.equal((await registry.update('data', 'd', '1', { description: 'new' })).description, 'new');
  await registry.setArchived('data', 'd', null, true);
  assert.deepEqual(await registry.list('data'), []);
  await assert.rejects(registry.find('data', 'e', '1'), { name: 'Refusal', reason: 'not-found' });
  assert.deepEqual([await registry.delete('model', 'm', '1'), await registry.delete('model', 'm', '1')], [true, false]);
  const job = { training_data: { path: 'azureml:d:1' } } as Parameters<typeof registry.withDataPaths>[0];
  await assert.rejects(registry.withDataPaths(job), /looked at there when a job is created/);
});
