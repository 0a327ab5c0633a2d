// The command as a process, on real files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';

const main = join(import.meta.dirname, 'main.ts');
let folder: string;

function samples(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'data', 'samples', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, out: stdout, err: stderr };
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-samples-'));
  const lines: string[] = [];
  for (let i = 0; i < 12; i++) {
    const name = `${i % 2 === 0 ? 'cat' : 'dog'}/${i}.png`;
    mkdirSync(join(folder, 'pictures', name, '..'), { recursive: true });
    await sharp({ create: { width: 90 + i, height: 70, channels: 3, background: 'teal' } })
      .png()
      .toFile(join(folder, 'pictures', name));
    const label = [{ label: 'pond', topX: 0.1, topY: 0.2, bottomX: 0.6, bottomY: 0.9, isCrowd: 'false' }];
    lines.push(JSON.stringify({ image_url: join(folder, 'pictures', name), label }));
  }
  writeFileSync(join(folder, 'boxes.jsonl'), `${lines.join('\n')}\n`);
});
after(() => rmSync(folder, { recursive: true }));

test('a sheet of training samples of a detector, the same for the same seed', async () => {
  const done = samples('boxes.jsonl', 'one.png', '--count', '5', '--set', 'image_size=64', '-o', 'json');
  assert.equal(done.code, 0, done.err);
  const { task, model, images, boxes, dropped, of } = JSON.parse(done.out);
  assert.deepEqual([task, model, images, of], ['image_object_detection', 'yolov5', 5, 12]);
  assert.equal(boxes + dropped, 20, 'four images on each');
  const bytes = async (name: string) => sharp(join(folder, name)).raw().toBuffer();
  const { width } = await sharp(join(folder, 'one.png')).metadata();
  assert.ok(width && width > 900);
  samples('boxes.jsonl', 'two.png', '--count', '5', '--set', 'image_size=64');
  samples('boxes.jsonl', 'three.png', '--count', '5', '--set', 'image_size=64', '--seed', '1');
  assert.ok((await bytes('one.png')).equals(await bytes('two.png')));
  assert.ok(!(await bytes('one.png')).equals(await bytes('three.png')));
});

test('in words, for another model and in validation, where each image is there once', () => {
  const { out, err } = samples(
    ...['boxes.jsonl', 'four.png', '--model', 'fasterrcnn_resnet18_fpn', '--validation', '--count', '40'],
    ...['--set', 'min_size=60', '--set', 'max_size=90'],
  );
  assert.equal(out, 'four.png  12 samples for fasterrcnn_resnet18_fpn in validation · 12 boxes, 0 dropped\n', err);
});

test('a sheet of pictures with classes', () => {
  const { out, err } = samples('pictures', 'five.png', '--model', 'mobilenetv2', '--count', '20');
  assert.equal(out, 'five.png  20 samples for mobilenetv2 in training\n', err);
});

test('what cannot be is said, and no sheet is written', () => {
  const cases: [string[], number, RegExp][] = [
    [['boxes.jsonl', 'x.jpg'], 2, /the sheet is a PNG, not x\.jpg/],
    [['boxes.jsonl', 'x.png', '--count', '401'], 2, /too many for one sheet/],
    [['nowhere', 'x.png'], 1, /nowhere is not there/],
    [
      ['pictures', 'x.png', '--model', 'yolov5'],
      1,
      /no boxes or outlines of objects were found in pictures[\s\S]*JSONL/,
    ],
    [['boxes.jsonl', 'x.png', '--model', 'resnet18'], 2, /resnet18 is no model for image_object_detection/],
    [['boxes.jsonl', 'x.png', '--set', 'imagesize=5'], 1, /did you mean image_size\?/],
    [['boxes.jsonl', 'x.png', '--seed', 'a'], 2, /--seed a is no whole number/],
  ];
  for (const [words, code, said] of cases) {
    const done = samples(...words);
    assert.match(done.err, said);
    assert.deepEqual([done.code, done.out], [code, '']);
  }
  assert.ok(!existsSync(join(folder, 'x.png')));
});
