import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RunEvent } from '@fovea/automl';
import { IssuesError } from '@fovea/data';
import { writeArtefactList } from '../artefacts.ts';
import { drawnJob, drawPictures, remoteWorkspace } from '../fixtures/remote-workspace.ts';
import { newJob, newTrial } from '../fixtures/rows.ts';
import { appendEvent, writeEvents } from '../watch/event-files.ts';
import { openRemoteWorkspace } from './index.ts';

async function opened(t: TestContext) {
  const server = await remoteWorkspace(t);
  const workspace = await openRemoteWorkspace(server.address('contributor'));
  t.after(() => workspace.close());
  return { ...server, workspace };
}

const sentBodies = (log: { method: string; path: string }[]) =>
  log.filter(({ method, path }) => method === 'PUT' && path.endsWith('/content')).length;

test('a job is trained on pictures of another machine, which are sent once', async (t) => {
  const { folder, workspace, local, log, store } = await opened(t);
  const here = join(folder, 'here');
  await drawPictures(here);
  writeFileSync(join(here, 'images', '.hidden'), 'not of the data');
  const events: RunEvent[] = [];
  const job = drawnJob({ more: 'name: first\ntags: {of: me}' });
  const options = { baseFolder: here, weights: 'none', onEvent: (event: RunEvent) => events.push(event) };
  const record = await workspace.submit(job, options);
  assert.deepEqual([record.name, record.status, record.tags], ['first', 'Queued', { of: 'me' }]);
  assert.ok(events.some((event) => event.type === 'log' && /^images {2}30 images/.test(event.message)));
  assert.ok(!JSON.stringify(events).includes(local.folder), 'paths of the server say nothing here');

  const row = await store.jobs.find('first');
  const { path = '' } = ((row?.spec ?? {}) as { training_data?: { path?: string } }).training_data ?? {};
  assert.match(path, /^azureml:upload-[0-9a-f]{32}:1$/);
  const data = await store.assets.find('data', path.split(':')[1], '1');
  const { location = '' } = (data?.spec ?? {}) as { location?: string };
  assert.equal(globSync('**/*.png', { cwd: location }).length, 30);
  assert.equal(existsSync(join(location, '.hidden')), false);
  assert.deepEqual([data?.archived, data?.properties], [true, { uploaded_by: 'a-contributor' }]);
  assert.equal((await store.assets.list({ kind: 'data' })).rows.length, 0, 'not among what people registered');

  const bodies = sentBodies(log);
  assert.ok(bodies > 0);
  await workspace.submit({ ...job, name: 'second' }, options);
  assert.equal(sentBodies(log), bodies, 'nothing is sent again');
  await assert.rejects(workspace.submit(job, options), /There is a job called first already; .*fovea job resume/);
  await assert.rejects(
    workspace.submit({ ...job, name: 'third' }, { ...options, weights: join(here, 'none.pth') }),
    /none\.pth is not there/,
  );
});

test('a job whose connection breaks while it is submitted is started once', async (t) => {
  const { folder, workspace, moments, line, store } = await opened(t);
  const here = join(folder, 'here');
  await drawPictures(here);
  const options = { baseFolder: here, weights: 'none' };
  let cuts = 0;
  const cut = () => {
    if (cuts++ === 0) line.cut();
  };
  moments.reading = (signal) => {
    const noticed = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    cut();
    return cuts === 1 ? noticed : null;
  };
  const early = await workspace.submit(drawnJob({ more: 'name: early' }), options);
  assert.deepEqual([early.name, early.status, cuts], ['early', 'Queued', 2], 'asked again: nothing was stored');
  cuts = 0;
  delete moments.reading;
  moments.stored = cut;
  const late = await workspace.submit(drawnJob({ more: 'name: late' }), options);
  assert.deepEqual([late.name, late.status, cuts], ['late', 'Queued', 1], 'not asked again: it was stored');
  assert.equal((await store.jobs.list({ archived: 'all' })).rows.length, 2);
});

test('tables with images beside, above and under absolute paths are sent; what is wrong is told with file and line', async (t) => {
  const { folder, workspace, place } = await opened(t);
  const here = join(folder, 'here');
  await drawPictures(here);
  const tables = join(here, 'tables');
  mkdirSync(tables);
  const rows = ['disc', 'square'].flatMap((label) =>
    Array.from({ length: 15 }, (_, i) => {
      const from = i % 3 === 0 ? join(here, 'images') : '../images';
      return { image_url: `${i % 3 === 1 ? `file://${here}/images` : from}/${label}/${i}.png`, label };
    }),
  );
  const table = (name: string, lines: readonly object[]) =>
    writeFileSync(join(tables, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  table('train.jsonl', rows);
  const job = drawnJob({ data: 'tables/train.jsonl', more: 'name: table' });
  const record = await workspace.submit(job, { baseFolder: here, weights: 'none' });
  assert.equal(record.status, 'Queued');
  const [kept = ''] = globSync('*/data/**/annotations.jsonl', { cwd: join(place.folder, 'jobs') });
  assert.ok(kept.startsWith('table'), kept);

  table('gone.jsonl', rows.with(6, { image_url: '../images/gone.png', label: 'disc' }));
  writeFileSync(join(here, 'images', 'cut.png'), readFileSync(join(here, 'images', 'disc', '1.png')).subarray(0, 90));
  table('cut.jsonl', rows.with(4, { image_url: '../images/cut.png', label: 'disc' }));
  for (const [name, line, words] of [
    ['gone', 7, /gone\.png is not there/],
    ['cut', 5, /images\/cut\.png is cut off or damaged/],
  ] as const) {
    const wrong = drawnJob({ data: `tables/${name}.jsonl`, more: `name: ${name}` });
    await assert.rejects(workspace.submit(wrong, { baseFolder: here, weights: 'none' }), (error) => {
      assert.ok(error instanceof IssuesError);
      const [issue, ...more] = error.issues;
      assert.deepEqual([issue.file, issue.line, more.length], [join(tables, `${name}.jsonl`), line, 0]);
      assert.match(issue.message, words);
      assert.match(error.message, /in 30 lines/);
      assert.doesNotMatch(error.message, /LocalUpload|upload[.:]/);
      return true;
    });
    assert.equal(await workspace.job(name), null, 'nothing is left of it');
  }
});

/** A job with a trial that is running, as the store has it. */
async function running({ store, place }: Awaited<ReturnType<typeof opened>>, name: string): Promise<string> {
  await store.jobs.add({
    ...newJob(name),
    task: 'image_classification',
    status: 'Running',
    primary_metric: 'accuracy',
  });
  const trial = newTrial(name, 0);
  await store.trials.add({ ...trial, status: 'Running' });
  const folder = join(place.folder, 'jobs', name, trial.name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

test('whoever watches goes on where it was when connections break and the server starts anew', async (t) => {
  const server = await opened(t);
  const { workspace, store, line, place } = server;
  const folder = await running(server, 'watched');
  const writer = writeEvents(folder);
  const say = (number: number) => writer.write({ type: 'log', level: 'info', message: `said ${number}` });
  const heard: string[] = [];
  const warnings: string[] = [];
  let listening = () => {};
  const hears = (message: string) =>
    new Promise<void>((resolve) => {
      listening = () => heard.includes(message) && resolve();
      listening();
    });
  const watching = workspace.watch('watched', {
    onEvent(event, trial) {
      if (event.type !== 'log') return;
      if (event.level === 'warning') warnings.push(event.message);
      else heard.push(`${trial === null ? 'job: ' : ''}${event.message}`);
      listening();
    },
  });
  say(1);
  await hears('said 1');
  for (const number of [2, 4]) {
    line.cut();
    say(number);
    appendEvent(join(place.folder, 'jobs', 'watched'), { type: 'log', level: 'info', message: `said ${number}` });
    say(number + 1);
    await hears(`said ${number + 1}`);
  }
  await server.restart();
  say(6);
  await hears('said 6');
  writer.close();
  await store.trials.transition('watched_HD_0', { from: ['Running'], to: 'Completed' });
  await store.jobs.transition('watched', { from: ['Running'], to: 'Completed' });
  assert.equal((await watching).status, 'Completed');
  assert.deepEqual(
    heard.filter((message) => !message.startsWith('job')),
    [1, 2, 3, 4, 5, 6].map((number) => `said ${number}`),
  );
  assert.deepEqual(
    heard.filter((message) => message.startsWith('job')),
    ['job: said 2', 'job: said 4'],
  );

  const late: string[] = [];
  await workspace.watch('watched', { onEvent: (event) => event.type === 'log' && late.push(event.message) });
  assert.equal(late.length, 8, 'who comes late sees all');
});

test('a question that changes nothing is asked again of a server that starts anew', async (t) => {
  const server = await opened(t);
  const trial = await running(server, 'asked');
  mkdirSync(join(trial, 'user_logs'));
  writeFileSync(join(trial, 'user_logs', 'std_log.txt'), 'one\n');
  assert.equal((await server.workspace.jobs()).length, 1);
  const restarting = server.restart();
  const asked = [server.workspace.log('asked_HD_0'), server.workspace.trials('asked')] as const;
  await restarting;
  const [log, trials] = await Promise.all(asked);
  assert.deepEqual([Buffer.from(log).toString(), trials.length], ['one\n', 1]);
});

test('watching ends with its signal, the job does not; there is nothing to watch of a job that is not there', async (t) => {
  const server = await opened(t);
  await running(server, 'left');
  const leaving = new AbortController();
  const watching = server.workspace.watch('left', { onEvent: () => {}, signal: leaving.signal });
  setTimeout(() => leaving.abort(), 50);
  assert.equal((await watching).status, 'Running');
  await assert.rejects(server.workspace.watch('nothing', { onEvent: () => {} }), /there is no job nothing/);
});

test('what a trial left is fetched whole, gone on with after a break, and known by its hash', async (t) => {
  const server = await opened(t);
  const { workspace, store, folder, line } = server;
  const trial = await running(server, 'done');
  const large = Buffer.alloc(3 << 20, 'network ');
  mkdirSync(join(trial, 'outputs', 'mlflow-model', 'artifacts'), { recursive: true });
  mkdirSync(join(trial, 'user_logs'));
  writeFileSync(join(trial, 'outputs', 'mlflow-model', 'artifacts', 'model.onnx'), large);
  writeFileSync(join(trial, 'outputs', 'mlflow-model', 'MLmodel'), 'flavors: {}\n');
  writeFileSync(join(trial, 'outputs', 'mlflow-model', 'fovea.json'), '{"files":{}}');
  writeFileSync(join(trial, 'user_logs', 'std_log.txt'), 'one\ntwo\n');
  await writeArtefactList(trial);
  const [, text, model] = (await workspace.artefacts('done_HD_0')).toSorted((a, b) => a.bytes - b.bytes);

  const to = join(folder, 'fetched', 'model.onnx');
  const saving = workspace.saveArtefact('done_HD_0', model, to);
  const part = join(folder, 'fetched', `.model.onnx.${model.sha256.slice(0, 16)}.part`);
  while (!existsSync(part) || statSync(part).size === 0) await new Promise((resolve) => setImmediate(resolve));
  line.cut();
  await saving;
  assert.deepEqual(readFileSync(to), large);
  assert.equal(existsSync(part), false);
  writeFileSync(to, 'something else');
  await workspace.saveArtefact('done_HD_0', model, to);
  assert.deepEqual(readFileSync(to), large);

  const wrong = { ...text, sha256: 'f'.repeat(64) };
  await assert.rejects(
    workspace.saveArtefact('done_HD_0', wrong, join(folder, 'fetched', 'x')),
    /not what its hash says/,
  );
  assert.equal(existsSync(join(folder, 'fetched', 'x')), false);
  for (const path of ['../../../workspace.json', '/etc/passwd', '', 'outputs', 'outputs/../artefacts.json', 'MLmodel'])
    await assert.rejects(workspace.saveArtefact('done_HD_0', { ...text, path }, to), /there is no file/, path);
  assert.equal(Buffer.from(await workspace.log('done_HD_0', 4)).toString(), 'two\n');

  assert.equal(await workspace.modelFolder('done'), null, 'it has not ended');
  const linked = join(server.place.folder, 'jobs', 'done', 'outputs', 'mlflow-model');
  mkdirSync(linked, { recursive: true });
  await store.jobs.patch('done', { best_trial: 'done_HD_0' });
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  t.after(() => delete process.env.XDG_CACHE_HOME);
  const cached = (await workspace.modelFolder('done')) ?? '';
  assert.deepEqual(readFileSync(join(cached, 'artifacts', 'model.onnx')), large);
  const asked = server.log.length;
  assert.equal(await workspace.modelFolder('done'), cached);
  assert.ok(server.log.length - asked <= 2, 'the files are not asked for again');
});

test('all that a workspace does with jobs is done on a server, by who may', async (t) => {
  const server = await opened(t);
  const { workspace, store } = server;
  await running(server, 'one');
  assert.deepEqual(
    (await workspace.jobs({ most: 5 })).map(({ name }) => name),
    ['one'],
  );
  assert.equal((await workspace.trial('one_HD_0'))?.job, 'one');
  assert.equal(await workspace.trial('one_HD_1'), null);
  assert.equal((await workspace.trials('one')).length, 1);
  assert.deepEqual(await workspace.metrics('one_HD_0'), []);
  await assert.rejects(workspace.archive('one'), /only a job that has ended can be archived/);
  assert.equal((await workspace.cancel('one')).status, 'CancelRequested');
  await store.jobs.transition('one', { from: ['CancelRequested'], to: 'Canceled' });
  assert.deepEqual((await workspace.update('one', { tags: { a: 'b' } })).tags, { a: 'b' });
  await workspace.archive('one');
  assert.deepEqual(await workspace.jobs(), []);
  await workspace.restore('one');
  assert.equal((await workspace.jobs()).length, 1);

  const reader = await openRemoteWorkspace(server.address('reader'));
  t.after(() => reader.close());
  assert.equal((await reader.job('one'))?.status, 'Canceled');
  for (const asked of [
    reader.delete('one'),
    reader.cancel('one'),
    reader.archive('one'),
    reader.update('one', {}),
    reader.resume('one'),
  ])
    await assert.rejects(asked, /is of a reader; this needs a contributor/);
  await workspace.delete('one');
  assert.equal(await workspace.job('one'), null);
  assert.equal(await workspace.job('../one').catch(({ code }) => code), 'InvalidName');
});
