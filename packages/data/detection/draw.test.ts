import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sharp } from '../sharp.ts';
import { contactSheet, drawObjects, drawOnImage, objectsAsSvg } from './draw.ts';

const grey = { pixels: new Uint8Array(200 * 100 * 3).fill(128), width: 200, height: 100 };
const can = { label: 'can', box: [0.25, 0.5, 0.75, 0.9] } as const;

test('a box is drawn where it is, in the colour of its class, and the picture given is left alone', async () => {
  const { pixels, width, height } = await drawObjects(grey, [can, { ...can, label: 'cat' }], {
    classes: ['cat', 'can'],
  });
  assert.deepEqual([width, height, pixels.length], [200, 100, 60000]);
  const at = (x: number, y: number) => [...pixels.subarray((y * 200 + x) * 3, (y * 200 + x) * 3 + 3)];
  const isYellow = ([r, g, b]: number[]) => r > 150 && g > 120 && b < 110;
  assert.ok(isYellow(at(150, 70)), `${at(150, 70)}`);
  assert.ok(isYellow(at(100, 90)), `${at(100, 90)}`);
  assert.deepEqual(at(100, 70), [128, 128, 128]);
  assert.ok(grey.pixels.every((value) => value === 128));
});

test('an outline is filled so that the picture shows through', async () => {
  const polygons = [[0.25, 0.5, 0.75, 0.5, 0.75, 0.9, 0.25, 0.9]];
  const { pixels } = await drawObjects(grey, [{ ...can, polygons }]);
  const [r, , b] = pixels.subarray((80 * 200 + 110) * 3, (80 * 200 + 110) * 3 + 3);
  assert.ok(r > 150 && b < 110 && b > 60);
});

test('labels are text, never markup; whatever they hold, it is drawn', async () => {
  const label = '</text><script>&"\'\u0000\u001b\ud800';
  const svg = objectsAsSvg([{ ...can, label, score: 0.876, crowd: true }], grey);
  assert.match(svg, /&lt;\/text&gt;&lt;script&gt;&amp;&quot;&#39;\ufffd\ufffd\ufffd 88 %/);
  assert.match(svg, /stroke-dasharray/);
  assert.equal((await drawObjects(grey, [{ ...can, label }])).width, 200);
  assert.match(objectsAsSvg([{ ...can, label: 'x'.repeat(60) }], grey), /x{39}…</);
});

test('the label of a box at the edge of the picture stays inside of it', () => {
  const svg = objectsAsSvg([{ label: 'bottle', box: [0.95, 0, 1, 1], score: 1 }], grey);
  const [, left, top, width] = (
    /fill="none".*?<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="[\d.]+" fill="#/.exec(svg) ?? []
  ).map(Number);
  assert.ok(left + width <= 200 && top === 0, svg);
});

test('an image file is drawn on at the size that is asked for; pictures make a sheet', async () => {
  const file = fileURLToPath(new URL('../fixtures/img_a.png', import.meta.url));
  const { width = 0, height = 0 } = await sharp(file).metadata();
  const drawn = await sharp(await drawOnImage(file, [can], { longestSide: 40, format: 'png' })).metadata();
  assert.deepEqual([Math.max(drawn.width, drawn.height), drawn.format], [40, 'png']);
  assert.ok(Math.abs(drawn.width / drawn.height - width / height) < 0.1);
  const sheet = await sharp(await contactSheet([grey, grey, grey], { cell: 50 })).metadata();
  assert.deepEqual([sheet.width, sheet.height], [4 + 2 * 54, 4 + 2 * 54]);
});

test('the cut to a hole is not drawn, and the hole is not filled', async () => {
  // A square with a square hole, joined by a cut from the top.
  const ring = [0.2, 0.1, 0.5, 0.1, 0.5, 0.3, 0.35, 0.3, 0.35, 0.7, 0.65, 0.7, 0.65, 0.3, 0.5, 0.3, 0.5, 0.1];
  const polygons = [[...ring, 0.8, 0.1, 0.8, 0.9, 0.2, 0.9]];
  const svg = objectsAsSvg([{ label: 'nut', box: [0.2, 0.1, 0.8, 0.9], polygons }], grey);
  const path = /<path d="([^"]*)"/.exec(svg)?.[1] ?? '';
  assert.doesNotMatch(path, /100 10L100 30|100 30L100 10/);
  assert.equal(path.split('L').length - 1, 10);
  const { pixels } = await drawObjects(grey, [{ label: 'nut', box: [0.2, 0.1, 0.8, 0.9], polygons }]);
  assert.deepEqual([...pixels.subarray((50 * 200 + 100) * 3, (50 * 200 + 100) * 3 + 3)], [128, 128, 128]);
});

test('among many objects those that are smaller than their labels have none', () => {
  const small = Array.from({ length: 20 }, (_, i) => ({
    label: 'nucleus',
    box: [i / 20, 0.1, i / 20 + 0.04, 0.2] as const,
  }));
  const large = { label: 'cell', box: [0.1, 0.1, 0.9, 0.9] as const };
  const many = objectsAsSvg([...small, large], grey);
  assert.deepEqual([many.split('>nucleus<').length - 1, many.split('>cell<').length - 1], [0, 1]);
  assert.equal(objectsAsSvg(small.slice(0, 3), grey).split('>nucleus<').length - 1, 3);
});
