import assert from 'node:assert/strict';
import { test } from 'node:test';
import { torchRandom } from '../transforms/random.ts';
import { rcnnTrainingSample, rcnnValidationSample, yolov5TrainingSample, yolov5ValidationSample } from './augment.ts';
import { partsOf } from './image-parts.ts';

const GRID = { columns: 2, rows: 1, overlap: 0.25 };
/** Tiles are 400 wide: 0 … 400 and 300 … 700. */
const image = (...corners: number[][]) => ({
  ...{ file: 'a.jpg', width: 700, height: 500 },
  boxes: { corners: corners.flat(), classes: corners.map((_, i) => i) },
});
const boxesOf = ({ boxes: { corners, classes } }: ReturnType<typeof image>) =>
  classes.map((label, i) => [label, ...corners.slice(4 * i, 4 * i + 4)]);

test('each part is an image of its own, with its boxes clipped to it', () => {
  const whole = image([10, 20, 60, 80], [320, 30, 380, 90], [330, 0, 430, 10], [600, 400, 700, 500]);
  const [first, left, right] = partsOf(whole, GRID);
  assert.equal(first, whole);
  assert.deepEqual([left.part, left.width, left.height], [{ left: 0, top: 0, width: 400, height: 500 }, 400, 500]);
  assert.deepEqual(boxesOf(left as typeof whole), [
    [0, 10, 20, 60, 80],
    [1, 320, 30, 380, 90],
    [2, 330, 0, 400, 10],
  ]);
  assert.deepEqual(boxesOf(right as typeof whole), [
    [1, 20, 30, 80, 90],
    [2, 30, 0, 130, 10],
    [3, 300, 400, 400, 500],
  ]);
  assert.deepEqual(partsOf(whole, null), [whole]);
});

test('a box of which less than half is in a tile is not of it; a tile without boxes stays', () => {
  const [, half, rest] = partsOf(image([350, 0, 450, 10]), GRID);
  assert.deepEqual([half.boxes.classes, rest.boxes.classes], [[0], [0]]);
  const [, less, whole] = partsOf(image([351, 0, 451, 10]), GRID);
  assert.deepEqual([less.boxes.classes, whole.boxes.classes], [[], [0]]);
  const [, none] = partsOf(image([600, 0, 610, 10], [400, 0, 410, 10]), GRID);
  assert.deepEqual(none.boxes, { corners: [], classes: [] });
});

test('a tile is cut from the image at its own size, and is as large in the network as the image', () => {
  const parts = partsOf(image([320, 30, 380, 90]), GRID);
  const right = parts[2];
  const rcnn = rcnnValidationSample(right, { minSize: 800, maxSize: 1333 });
  assert.ok(!('decodes' in rcnn.sample));
  assert.deepEqual(rcnn.sample.crop, { left: 300, top: 0, width: 400, height: 500 });
  assert.deepEqual(rcnn.sample.resize, { width: 800, height: 1000 });
  assert.ok(!rcnn.sample.fast, 'never from a JPEG at a fraction of its size');
  assert.deepEqual([...rcnn.boxes.corners], [40, 60, 160, 180]);

  const yolo = yolov5ValidationSample(right, 640);
  assert.ok('decodes' in yolo.sample);
  const [decode] = yolo.sample.decodes;
  assert.deepEqual([decode.crop, decode.resize, decode.fast], [right.part, { width: 512, height: 640 }, undefined]);
});

test('what training cuts out of a tile lies in the tile; a mosaic takes parts of any image', () => {
  const parts = partsOf(image([20, 30, 320, 490], [350, 100, 650, 400]), GRID);
  const right = parts[2];
  let cut = 0;
  for (let seed = 0; seed < 40; seed++) {
    const { sample } = rcnnTrainingSample(right, { minSize: 100, maxSize: 200 }, torchRandom(seed));
    const decode = 'decodes' in sample ? sample.decodes[0] : sample;
    const crop = decode.crop ?? assert.fail('a tile is never the whole image');
    assert.ok(crop.left >= 300 && crop.left + crop.width <= 700 && crop.top >= 0 && crop.top + crop.height <= 500);
    if (crop.width < 400) cut++;
  }
  assert.ok(cut > 5);
  const seen = new Set<number | undefined>();
  for (let seed = 0; seed < 20; seed++) {
    const { sample } = yolov5TrainingSample(2, parts, { size: 64 }, torchRandom(seed));
    assert.ok('decodes' in sample);
    assert.deepEqual(sample.decodes[0].crop, right.part);
    for (const { crop } of sample.decodes) seen.add(crop?.left);
  }
  assert.deepEqual(seen, new Set([300, 0, undefined]));
});
