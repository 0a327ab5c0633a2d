import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { detectionSamples } from './detection-samples.ts';

const task = 'image_object_detection';
const images = [
  [640, 480],
  [300, 900],
  [512, 512],
].map(([width, height], i) => ({
  ...{ file: `${i}.png`, width, height },
  boxes: { corners: [10, 20, 110, 220, 200, 100, 280, 300], classes: [0, 1] },
}));
const place = (position: number, over = {}) => ({ seed: 3, epoch: 0, batch: 0, position, ...over });
const samplesFor = (model: string, given = {}) => detectionSamples(model, resolveHyperparameters(task, model, given));

test('what is drawn depends on seed, epoch and place, and on nothing else', () => {
  for (const model of ['yolov5', 'retinanet_resnet50_fpn']) {
    const samples = samplesFor(model);
    const one = samples.training(images, 0, place(5));
    assert.deepEqual(samplesFor(model).training(images, 0, place(5)), one);
    for (const other of [place(6), place(5, { epoch: 1 }), place(5, { seed: 4 })])
      assert.notDeepEqual(samples.training(images, 0, other), one);
  }
});

test('the sizes are those of the hyperparameters', () => {
  const rcnn = samplesFor('fasterrcnn_resnet18_fpn', { min_size: 200, max_size: 300 });
  assert.deepEqual(
    images.map((image) => rcnn.validation(image).size),
    [
      { width: 266, height: 200 },
      { width: 100, height: 300 },
      { width: 200, height: 200 },
    ],
  );
  const yolo = samplesFor('yolov5', { image_size: 320 });
  assert.deepEqual(yolo.validation(images[1]).size, { width: 320, height: 320 });
  assert.deepEqual(yolo.training(images, 1, place(0)).size, { width: 320, height: 320 });
});

test('with multi_scale the images of a batch have one size, batches have several', () => {
  const { training } = samplesFor('yolov5', { image_size: 320, multi_scale: true });
  const sizeOf = (batch: number, position: number) => training(images, 0, place(position, { batch })).size.width;
  const sizes = Array.from({ length: 40 }, (_, batch) => {
    assert.equal(sizeOf(batch, 2 * batch), sizeOf(batch, 2 * batch + 1));
    return sizeOf(batch, 2 * batch);
  });
  assert.ok(sizes.every((size) => size % 32 === 0 && size >= 160 && size <= 480));
  assert.ok(new Set(sizes).size > 5);
});

test('advanced_settings switch off mosaic, and what else is changed by chance', () => {
  const decodesOf = (given: object) => {
    const { sample } = samplesFor('yolov5', { advanced_settings: given }).training(images, 0, place(1));
    assert.ok('decodes' in sample);
    const { plan } = sample.compose as { plan: { affine: readonly number[] | null; flip: boolean } };
    return { images: sample.decodes.length, affine: plan.affine, flip: plan.flip };
  };
  assert.equal(decodesOf({}).images, 4);
  assert.equal(decodesOf({ apply_mosaic_for_yolo: false }).images, 1);
  // Without random maps the middle of the mosaic is shown as it is.
  const plain = decodesOf({ apply_automl_train_augmentations: false });
  assert.deepEqual([plain.images, plain.affine?.[0], plain.flip], [4, 1, false]);
  const neither = { apply_mosaic_for_yolo: false, apply_automl_train_augmentations: false };
  assert.deepEqual(decodesOf(neither), { images: 1, affine: null, flip: false });

  const rcnn = samplesFor('fasterrcnn_resnet50_fpn', {
    advanced_settings: { apply_automl_train_augmentations: false },
  });
  for (let position = 0; position < 20; position++)
    assert.deepEqual(
      { ...rcnn.training(images, 0, place(position)).sample, repeats: true },
      rcnn.validation(images[0]).sample,
    );
});

test('hyperparameters of another model are refused', () => {
  assert.throws(
    () => detectionSamples('yolov5', resolveHyperparameters(task, 'retinanet_resnet50_fpn', {})),
    RangeError,
  );
});
