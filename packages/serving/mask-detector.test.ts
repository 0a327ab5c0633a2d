import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { maskArea, maskBox, maskOverlap, polygonsMask } from '@fovea/data/masks';
import sharp from 'sharp';
import { evaluateObjects, loadModel, type MaskModel, normalisedOutline, openModel } from './index.ts';

/** Written by example-detectors.ts of automl: it finds the quarters of a picture that are red, with rings as their masks. */
const rings = fileURLToPath(new URL('./fixtures/rings', import.meta.url));
const image = { width: 200, height: 120 };

let work: string;
/** Red in the left top quarter and, half as bright, in the right bottom one. */
let picture: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-masks-'));
  picture = join(work, 'picture.png');
  const patch = (r: number) =>
    sharp({ create: { width: 100, height: 60, channels: 3, background: { r, g: 0, b: 0 } } })
      .png()
      .toBuffer();
  await sharp({ create: { ...image, channels: 3, background: 'black' } })
    .composite([
      { input: await patch(255), left: 0, top: 0 },
      { input: await patch(153), left: 100, top: 60 },
    ])
    .toFile(picture);
});
after(() => rm(work, { recursive: true }));

/** A model whose settings.json has other values. */
async function opened(settings: object = {}): Promise<MaskModel> {
  const folder = await mkdtemp(join(work, 'rings-'));
  await cp(rings, folder, { recursive: true });
  const file = join(folder, 'artifacts/settings.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  const model = await openModel(folder, { threads: 1 });
  assert.ok(model.task === 'image_instance_segmentation');
  return model;
}

function success<T extends object>(answer: T | { error: string }): T {
  assert.ok(!('error' in answer), JSON.stringify(answer));
  return answer as T;
}

test('boxes come with the outlines of their masks, and of images that cannot be read the reason', async () => {
  const model = await opened();
  const [answer, missing, bytes] = await model.predict([picture, 'none.png', await readFile(picture)]);
  assert.deepEqual(answer, bytes);
  assert.ok('error' in missing && /none\.png/.test(missing.error));
  const { boxes } = success(answer);
  assert.deepEqual(Object.keys(boxes[0]), ['box', 'label', 'score', 'polygon']);
  assert.deepEqual(
    boxes.map(({ label }) => label),
    ['left top', 'right bottom'],
  );
  const { masks } = success((await model.find([picture]))[0]);
  const pieces = boxes.map((one) => ('polygon' in one ? one.polygon : []));
  // A ring of cells of 14 × 14, between 5 and 12 from the middle, on a box of 100 × 60.
  const share = (Math.PI * (12 ** 2 - 5 ** 2)) / 28 ** 2;
  for (const [i, polygon] of pieces.entries()) {
    assert.equal(polygon.length, 1, 'its hole is joined to it');
    const shares = polygon.flat();
    assert.ok(shares.every((value) => (i === 0 ? value <= 0.5 : value >= 0.5) && value >= 0 && value <= 1));
    const drawn = polygonsMask(
      polygon.map((points) => points.map((value, k) => value * (k % 2 === 0 ? image.width : image.height))),
      image.height,
      image.width,
    );
    assert.ok(maskOverlap(drawn, masks[i]) > 0.97);
    assert.deepEqual([masks[i].width, masks[i].height], [image.width, image.height]);
    if (i === 0) assert.ok(Math.abs(maskArea(masks[i]) / 6000 - share) < 0.03);
  }
  // The other ring is less sure of itself, and thinner.
  assert.ok(maskArea(masks[1]) < maskArea(masks[0]));
  const [x, y, width, height] = maskBox(masks[1]);
  assert.ok(x > 100 && y > 60 && x + width < 200 && y + height < 120);
  await model.close();
});

test('settings.json settles which pixels are taken, in how many points, or that pictures are answered', async () => {
  const coarse = await opened({ mask_pixel_score_threshold: 0.6, max_number_of_polygon_points: 12 });
  const { boxes } = success((await coarse.predict([picture]))[0]);
  const polygons = boxes.map((one) => ('polygon' in one ? one.polygon : null));
  assert.ok(polygons[0]?.every((points) => points.length <= 24));
  assert.deepEqual(polygons[1], [], 'no cell of it is so likely');
  await coarse.close();

  const pictures = await opened({ export_as_image: true, image_type: 'PNG' });
  const [first] = success((await pictures.predict([picture]))[0]).boxes;
  assert.deepEqual(Object.keys(first), ['box', 'label', 'score', 'mask']);
  const shown = await sharp(Buffer.from('mask' in first ? first.mask : '', 'base64'))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([shown.info.width, shown.info.height], [image.width, image.height]);
  const [mask] = success((await pictures.find([picture]))[0]).masks;
  assert.equal(shown.data.filter((value) => value > 127).length, maskArea(mask));
  await pictures.close();

  await assert.rejects(opened({ image_type: 'gif', mask_pixel_score_threshold: 2 }), (error: Error) => {
    assert.match(error.message, /image_type is "gif" and should be one of JPG, PNG, BMP/);
    assert.match(error.message, /mask_pixel_score_threshold is 2 and should be a number, 0 … 1/);
    return true;
  });
});

test('an image with nothing in it has an empty answer', async () => {
  const model = await opened();
  const blank = await sharp({ create: { width: 40, height: 40, channels: 3, background: 'black' } })
    .png()
    .toBuffer();
  assert.deepEqual(await model.predict([blank]), [{ boxes: [] }]);
  assert.deepEqual(await model.find([blank]), [{ boxes: [], masks: [] }]);
  await model.close();
});

test('the overlap of masks is judged, not that of boxes', async () => {
  const model = await opened();
  const { boxes, masks } = success((await model.find([picture]))[0]);
  const corners = boxes.map(({ box: { topX, topY, bottomX, bottomY } }) => [topX, topY, bottomX, bottomY] as const);
  const record = (polygonsOf: (i: number) => number[][]) => ({
    ...{ file: picture, ...image },
    objects: boxes.map(({ label }, i) => ({ label, box: corners[i], polygons: polygonsOf(i), crowd: false })),
  });
  const exact = record((i) => normalisedOutline(masks[i], 100_000));
  const whole = record((i) => {
    const [x1, y1, x2, y2] = corners[i];
    return [[x1, y1, x2, y1, x2, y2, x1, y2]];
  });
  const right = await evaluateObjects(model, [exact]);
  for (const name of ['mean_average_precision', 'coco_AP'])
    assert.ok(Math.abs((right.metrics[name] ?? 0) - 1) < 1e-9, name);
  const { metrics, perLabel, confusionMatrix } = await evaluateObjects(model, [whole]);
  assert.equal(metrics.mean_average_precision, 0);
  assert.equal((await evaluateObjects(model, [whole], { iouThreshold: 0.3 })).metrics.mean_average_precision, 1);
  assert.deepEqual(
    perLabel.map(({ objects, detections, recall }) => [objects, detections, recall]),
    [
      [1, 1, 0],
      [0, 0, null],
      [0, 0, null],
      [1, 1, 0],
    ],
  );
  assert.equal(confusionMatrix.class_labels.length, 5);
  await model.close();
});

test('is no classifier', async () => {
  await assert.rejects(loadModel(rings), /maskrcnn_resnet18_fpn finds objects \(image_instance_segmentation\)/);
});
