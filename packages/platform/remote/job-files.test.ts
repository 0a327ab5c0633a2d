import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readJobData } from '@fovea/automl';
import { convertAnnotations } from '@fovea/data';
import { drawnObjectsJob, drawObjects } from '../fixtures/drawn-objects.ts';
import { drawnJob } from '../fixtures/remote-workspace.ts';
import { filesOfJob } from './job-files.ts';
import { readToSend } from './sent-files.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-job-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts what would be sent into a folder, as a server does. @returns what the data is there */
async function moved(file: Awaited<ReturnType<typeof filesOfJob>>['training_data'], to: string): Promise<string> {
  assert.ok(file);
  for (const { path, from } of await readToSend(file, {})) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof from === 'string') copyFileSync(from, target);
    else writeFileSync(target, from);
  }
  return join(to, file.path);
}

test('annotations of objects in any layout are sent with their pictures', async (t) => {
  const folder = folderOf(t);
  const here = join(folder, 'here');
  await drawObjects(here, { train: 12 });
  const input = join(here, 'train.jsonl');
  for (const to of ['coco', 'voc', 'yolo', 'jsonl'] as const)
    await convertAnnotations({ input, output: join(here, to), to });
  const job = drawnObjectsJob();
  const { train } = await readJobData({ ...job, training_data: { ...job.training_data, path: input } }, here);
  const paths = ['train.jsonl', 'coco', 'voc', 'yolo', 'jsonl', 'yolo/data.yaml', 'coco/annotations/instances.json'];
  for (const [i, path] of paths.entries()) {
    const named = { ...job, training_data: { ...job.training_data, path } };
    delete (named as { validation_data?: unknown }).validation_data;
    const { training_data } = await filesOfJob(named, { baseFolder: here });
    const there = await moved(training_data, join(folder, `there ${i}`));
    const read = await readJobData({ ...named, training_data: { ...job.training_data, path: there } }, folder);
    assert.deepEqual([read.issues, read.train.records.length], [[], train.records.length], path);
    assert.deepEqual(read.train.classes, train.classes, path);
    assert.ok(read.train.records.every(({ file }) => file.startsWith(join(folder, `there ${i}`))));
  }
});

test('links are sent as what they lead to; a table that only this machine understands is refused', async (t) => {
  const folder = folderOf(t);
  const here = join(folder, 'here');
  const [pictures, elsewhere] = [join(here, 'pictures'), join(folder, 'elsewhere')];
  mkdirSync(elsewhere);
  const picture = new URL('../../data/fixtures/img_a.png', import.meta.url);
  const labels = ['a', 'b'];
  for (const label of labels) {
    mkdirSync(join(pictures, label), { recursive: true });
    for (let i = 0; i < 8; i++) {
      copyFileSync(picture, join(elsewhere, `${label}${i}.png`));
      symlinkSync(join(elsewhere, `${label}${i}.png`), join(pictures, label, `${i}.png`));
    }
  }
  const { training_data } = await filesOfJob(drawnJob({ data: 'pictures' }), { baseFolder: here });
  const there = await moved(training_data, join(folder, 'there'));
  const read = await readJobData(drawnJob({ data: there }), folder);
  assert.deepEqual([read.issues, read.train.records.length, read.train.name], [[], 16, 'pictures']);

  const rows = labels.flatMap((label) => Array.from({ length: 8 }, (_, i) => `${elsewhere}/${label}${i}.png,${label}`));
  writeFileSync(join(here, 'odd.csv'), `image_url,label\n${rows.join('\n')}\n`);
  await assert.rejects(
    filesOfJob(drawnJob({ data: 'odd.csv' }), { baseFolder: here }),
    /as only this machine knows it/,
  );
  const named = { baseFolder: here, weights: join(here, 'none.pt') };
  await assert.rejects(filesOfJob(drawnJob({ data: 'pictures' }), named), /none\.pt is not there/);
  const checkpoint = 'checkpoint_dataset_id: weights, checkpoint_filename: best.pt';
  mkdirSync(join(here, 'weights'));
  writeFileSync(join(here, 'weights', 'best.pt'), 'weights');
  const more = await filesOfJob(drawnJob({ data: 'azureml:pets:1', parameters: checkpoint }), { baseFolder: here });
  assert.deepEqual(
    [more.training_data, more.checkpoint?.given, more.checkpoint?.path],
    [undefined, 'weights/best.pt', 'best.pt'],
  );
});
