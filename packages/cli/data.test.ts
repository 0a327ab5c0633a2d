// The command as a process, on real pictures, with the real packages.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';

const main = join(import.meta.dirname, 'main.ts');
/** Its network gives for each image the mean of its red, green and blue values. */
const colours = join(import.meta.dirname, '../serving/fixtures/colours');
let folder: string;

function fovea(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'data', 'check', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
}

const shades = { red: [220, 20, 20], green: [20, 220, 20], blue: [20, 20, 220] } as const;

/** A disc of a colour on black, somewhere. */
async function draw(path: string, [r, g, b]: readonly number[], i: number): Promise<void> {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  const disc = `<svg width="64" height="64"><rect width="64" height="64" fill="rgb(${r / 2},${g / 2},${b / 2})"/><circle cx="${14 + ((i * 11) % 37)}" cy="${14 + ((i * 17) % 37)}" r="${6 + (i % 6)}" fill="rgb(${r},${g},${b})"/></svg>`;
  await sharp(Buffer.from(disc)).png().toFile(join(folder, path));
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-data-check-'));
  for (const [name, colour] of Object.entries(shades))
    for (let i = 0; i < 16; i++)
      await draw(`pictures/${name}/${i}.png`, colour, i + 40 * Object.keys(shades).indexOf(name));
  // What a tired person does.
  await draw('pictures/red/really-blue.png', shades.blue, 131);
  cpSync(join(folder, 'pictures'), join(folder, 'broken'), { recursive: true });
  writeFileSync(join(folder, 'broken', 'red', '3.png'), 'not a picture');
  const rows = Array.from({ length: 16 }, (_, i) => [`pictures/red/${i}.png,warm`, `pictures/blue/${i}.png,cold dark`]);
  writeFileSync(join(folder, 'labels.csv'), `file,labels\n${rows.flat().join('\n')}\n`);
  const job = [
    'type: automl',
    'task: image_classification',
    'target_column_name: label',
    'training_data:',
    '  path: broken',
  ];
  writeFileSync(join(folder, 'job.yml'), `${job.join('\n')}\n`);
});
after(() => rmSync(folder, { recursive: true }));

test('good data: what there is on stdout, progress on stderr, exit code 0, and a page', () => {
  const { code, out, err } = fovea('pictures', '--html', 'report.html');
  assert.equal(code, 0, err);
  assert.match(out, /pictures {2}49 images · 3 classes/);
  assert.match(out, /red +17 +━+/);
  assert.match(out, /✓ training can start/);
  assert.match(err, /comparing the images/);
  assert.ok(!err.includes('✓'));
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /^<!doctype html>[\s\S]*<\/html>\n$/);
});

test('data that training refuses: each problem with its file, exit code 1', () => {
  for (const words of [['broken'], ['--file', 'job.yml']]) {
    const { code, out } = fovea(...words);
    assert.equal(code, 1);
    assert.match(
      out,
      /✗ 1 image is missing, damaged[\s\S]*red\/3\.png is not an image that can be read \(it is text\)/,
    );
    assert.match(out, /✗ training cannot start: 1 problem/);
  }
});

test('formats for machines get the whole report, or the findings as rows', () => {
  const json = fovea('pictures', '-o', 'json', '--only-show-errors');
  const report = JSON.parse(json.out);
  assert.deepEqual([json.code, json.err, report.schema_version, report.can_train], [0, '', 1, true]);
  assert.deepEqual(report.classes[0], { name: 'blue', training: 16, validation: 0 });
  assert.match(fovea('broken', '-o', 'table').out, /^Severity +Code +Count +Message\n.*\nerror +unusable-images +1 /);
  assert.equal(fovea('broken', '--query', 'images.unusable').out, '1\n');
});

test('a trained model doubts the labels, its folder or its job given', () => {
  const asked = fovea('pictures', '--model', colours, '-o', 'json');
  assert.equal(asked.code, 0, asked.err);
  const { images, judged } = JSON.parse(asked.out).suspicious_labels;
  assert.equal(judged, 49);
  assert.match(images[0].file, /red\/really-blue\.png$/);
  assert.deepEqual([images[0].label, images[0].suggested], ['red', 'blue']);
  assert.match(fovea('pictures', '--model', colours).out, /really-blue\.png is labelled red, the model sees blue/);
  const absent = fovea('pictures', '--job', 'amber_lynx');
  assert.deepEqual([absent.code, absent.out], [1, '']);
  assert.match(absent.err, /there is no job called amber_lynx/);
});

test('several labels an image: how they come together', () => {
  const { out, code } = fovea('labels.csv', '--task', 'image_classification_multilabel', '-o', 'json');
  assert.equal(code, 0);
  const { task, labels } = JSON.parse(out);
  assert.equal(task, 'image_classification_multilabel');
  assert.deepEqual([labels.cardinality, labels.pairs], [1.5, [{ labels: ['cold', 'dark'], images: 16, share: 1 }]]);
  const other = fovea('labels.csv', '--task', 'image_classification_multilabel', '--model', colours);
  assert.match(other.err, /is of task image_classification, the data of image_classification_multilabel/);
  assert.match(fovea('labels.csv', '--model', colours).err, /knows none of these classes\n +it knows red, green, blue/);
});

test('what does not fit together is said, with exit code 2', () => {
  const cases: [string[], RegExp][] = [
    [[], /needs the path of the data, or --file/],
    [['pictures', '--file', 'job.yml'], /a path and --file at once/],
    [['pictures', '--job', 'a', '--model', 'b'], /--job and --model at once/],
    [['--validation', 'pictures', '--file', 'job.yml'], /--validation and --file at once/],
  ];
  for (const [words, said] of cases) {
    const { code, out, err } = fovea(...words);
    assert.deepEqual([code, out], [2, ''], words.join(' '));
    assert.match(err, said);
  }
  const nowhere = fovea('nowhere');
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /nowhere is not there/);
});

test('Ctrl-C ends it with 130, and no page is left half written', async () => {
  const child = spawn(
    process.execPath,
    [main, 'data', 'check', 'pictures', '--model', colours, '--html', 'stopped.html'],
    { cwd: folder },
  );
  child.stderr.once('data', () => child.kill('SIGINT'));
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const [code] = await once(child, 'close');
  assert.deepEqual([code, out], [130, '']);
  assert.ok(!existsSync(join(folder, 'stopped.html')));
});
