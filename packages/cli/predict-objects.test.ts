import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';

/** It finds the quarters of a picture that are red. */
const detector = join(import.meta.dirname, '../serving/fixtures/quarters');
/** The same with rings in them. */
const maskDetector = join(import.meta.dirname, '../serving/fixtures/rings');
const classifier = join(import.meta.dirname, '../serving/fixtures/colours');

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-predict-'));
  const red = await sharp({ create: { width: 100, height: 60, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  await sharp({ create: { width: 200, height: 120, channels: 3, background: 'black' } })
    .composite([{ input: red, left: 100, top: 0 }])
    .toFile(join(folder, 'photo.png'));
});
after(() => rm(folder, { recursive: true }));

function predict(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = [join(import.meta.dirname, 'main.ts'), 'predict', ...args];
  return new Promise((done) => {
    execFile(process.execPath, command, { cwd: folder }, (error, out, err) => {
      done({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

describe('predict with a model that finds objects', { concurrency: 2 }, () => {
  test('lists them and draws them on a copy of the picture', async () => {
    const { code, out } = await predict(detector, 'photo.png', 'photo.png');
    assert.equal(code, 0);
    const lines = out.split('\n');
    assert.equal(lines[0], 'photo.png');
    assert.match(lines[1], /^ {2}right top +100\.0 % +0\.500 0\.000 – 1\.000 0\.500$/);
    assert.match(lines[2], /^ {2}drawn in .*predictions\/photo\.jpg$/);
    const drawn = lines[2].replace('  drawn in ', '');
    const { width, height } = await sharp(join(folder, drawn)).metadata();
    assert.deepEqual([width, height], [200, 120]);
    assert.deepEqual(await readdir(join(folder, drawn, '..')), ['photo-2.jpg', 'photo.jpg']);
  });

  test('as JSON gives the boxes of a deployed model, and pictures for asking', async () => {
    const { code, out, err } = await predict(detector, 'none.png', 'photo.png', '-o', 'json', '--pictures', 'drawn');
    assert.equal(code, 1);
    const [missing, found] = JSON.parse(out);
    assert.deepEqual(Object.keys(missing), ['file', 'error']);
    assert.equal(found.picture, join('drawn', 'photo.jpg'));
    assert.deepEqual(found.boxes, [
      { box: { topX: 0.5, topY: 0, bottomX: 1, bottomY: 0.5 }, label: 'right top', score: 1 },
    ]);
    assert.match(err, /1 image of 2 could not be read/);
    const { out: table } = await predict(detector, 'photo.png', '-o', 'table');
    assert.match(
      table,
      /^File +Label +Score +TopX +TopY +BottomX +BottomY\n[- ]+\nphoto\.png +right top +1 +0\.5 +0 +1 +0\.5\n/,
    );
  });

  test('of masks draws them, and gives their polygons', async () => {
    const { code, out, err } = await predict(maskDetector, 'photo.png', '-o', 'json', '--pictures', 'masks');
    assert.equal(code, 0, err);
    const [{ boxes, picture }] = JSON.parse(out);
    assert.deepEqual(Object.keys(boxes[0]), ['box', 'label', 'score', 'polygon']);
    assert.equal(boxes[0].polygon.length, 1);
    const { data, info } = await sharp(join(folder, picture)).raw().toBuffer({ resolveWithObject: true });
    const green = (x: number, y: number): number => data[info.channels * (y * info.width + x) + 1];
    // The second of the colours lies over the red of the ring, and not over that of its hole and of what is around it.
    assert.ok(green(180, 30) > 60, String(green(180, 30)));
    assert.ok(green(150, 30) < 20 && green(108, 52) < 20, `${green(150, 30)}, ${green(108, 52)}`);
    const text = await predict(maskDetector, 'photo.png');
    assert.match(text.out, /^photo\.png\n {2}right top +100\.0 % +0\.500 0\.000 – 1\.000 0\.500\n {2}drawn in /);
  });

  test('refuses what is for models of the other kind', async () => {
    const [top, pictures, judged] = await Promise.all([
      predict(detector, 'photo.png', '--top', '1'),
      predict(classifier, 'photo.png', '--pictures', 'drawn'),
      predict(classifier, 'photo.png'),
    ]);
    assert.match(top.err, /--top is for models that classify/);
    assert.match(pictures.err, /--pictures is for models that find objects/);
    assert.equal(judged.code, 0);
  });
});
