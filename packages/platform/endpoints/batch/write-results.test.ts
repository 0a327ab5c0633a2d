import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { batchPaths } from './batch-job.ts';
import { type ItemResult, KeptResults } from './kept-results.ts';
import { writeResults } from './write-results.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-results-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const classified = (file: string, ...probs: number[]): ItemResult => ({
  file,
  prediction: { probs, labels: ['cat', 'dog'] },
});

async function written(
  job: string,
  task: string,
  batches: readonly (readonly ItemResult[])[],
  more: { outputFileName?: string; hasRows?: boolean } = {},
) {
  const paths = batchPaths({ folder }, job);
  const kept = new KeptResults(paths.miniBatches);
  // Out of order, as they are finished.
  for (const [number, results] of [...batches.entries()].reverse()) kept.write(number, results);
  const summary = await writeResults({
    ...{
      paths,
      kept,
      task,
      files: batches.flat().length,
      seconds: 2,
      outputFileName: 'predictions.csv',
      hasRows: true,
    },
    ...more,
  });
  return {
    summary,
    files: readdirSync(paths.results).sort(),
    read: (name: string) => readFileSync(join(paths.results, name), 'utf8'),
  };
}

test('a table as RFC 4180 has it, JSON lines, and a summary, in the order of the input', async () => {
  const odd = 'a "b",\nc.png';
  const { summary, files, read } = await written('classes', 'image_classification', [
    [classified('1.png', 0.25, 0.75), { file: odd, error: 'it is "broken"' }],
    [classified('3.png', 0.5, 0.5), classified('4.png', 0.125, 0.875)],
  ]);
  assert.deepEqual(files, ['predictions.csv', 'predictions.jsonl', 'summary.json']);
  assert.equal(
    read('predictions.csv'),
    [
      'file,label,score,prediction,error',
      '1.png,dog,0.75,"{""probs"":[0.25,0.75],""labels"":[""cat"",""dog""]}",',
      '"a ""b"",\nc.png",,,,"it is ""broken"""',
      '3.png,cat,0.5,"{""probs"":[0.5,0.5],""labels"":[""cat"",""dog""]}",',
      '4.png,dog,0.875,"{""probs"":[0.125,0.875],""labels"":[""cat"",""dog""]}",',
      '',
    ].join('\r\n'),
  );
  const lines = read('predictions.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ file }) => file),
    ['1.png', odd, '3.png', '4.png'],
  );
  assert.deepEqual(lines[1], { file: odd, error: 'it is "broken"' });
  assert.deepEqual(summary, {
    files: 4,
    scored: 3,
    failed: 1,
    labels: { dog: 2, cat: 1 },
    seconds: 2,
    images_per_second: 1.5,
    errors: [lines[1]],
  });
  assert.deepEqual(JSON.parse(read('summary.json')), summary);
});

test('several labels, and objects, are told as people look for them', async () => {
  const labels = await written('labels', 'image_classification_multilabel', [
    [classified('1.png', 0.5, 0.9), classified('2.png', 0.1, 0.2)],
  ]);
  assert.match(labels.read('predictions.csv'), /^file,labels,prediction,error\r\n1\.png,cat;dog,.*\r\n2\.png,,"/);
  const boxes = [{ label: 'car' }, { label: 'person' }, { label: 'car' }];
  const objects = await written('objects', 'image_object_detection', [
    [
      { file: '1.png', prediction: { boxes } },
      { file: '2.png', prediction: { boxes: [] } },
    ],
  ]);
  assert.match(
    objects.read('predictions.csv'),
    /^file,objects,labels,prediction,error\r\n1\.png,3,car:2;person:1,.*\r\n2\.png,0,,/,
  );
  assert.deepEqual(objects.summary.labels, { car: 2, person: 1 });
});

test('the file of results has the name that the deployment says; a summary alone has no rows', async () => {
  const one = [[classified('1.png', 1, 0)]];
  assert.deepEqual((await written('named', 'image_classification', one, { outputFileName: 'animals.jsonl' })).files, [
    'animals.csv',
    'animals.jsonl',
    'summary.json',
  ]);
  assert.deepEqual((await written('short', 'image_classification', one, { hasRows: false })).files, ['summary.json']);
});

test('what failed is forgotten when a job goes on, and what did not is kept', () => {
  const kept = new KeptResults(join(folder, 'kept'));
  kept.write(1500, [classified('1.png', 1, 0)]);
  kept.write(2, [classified('2.png', 1, 0), { file: '3.png', error: 'it was killed' }]);
  assert.deepEqual(kept.numbers(), [2, 1500]);
  kept.dropFailed();
  assert.deepEqual(kept.numbers(), [1500]);
  assert.deepEqual([kept.has(2), kept.read(2), kept.read(1500)?.length], [false, null, 1]);
  kept.remove();
  assert.deepEqual([kept.isThere, kept.numbers()], [false, []]);
});
