import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDetector } from '@fovea/vision';
import { runnableModels } from './runnable-models.ts';

const NATIVE = [
  'mobilenetv2',
  'resnet18',
  'resnet34',
  'resnet50',
  'resnet101',
  'resnet152',
  'resnest50',
  'resnest101',
  'seresnext',
  'vits16r224',
  'vitb16r224',
  'vitl16r224',
];

test('every classifier of the contract can be trained; small ones come first', () => {
  const models = runnableModels();
  for (const name of NATIVE) assert.ok(models.includes(name), name);
  assert.deepEqual([models[0], models.at(-1)], ['mobilenetv2', 'vitl16r224']);
});

test('models that do not take what a job fixes are left out', () => {
  const at = (size: number) => runnableModels({ training_crop_size: size, validation_crop_size: size });
  assert.deepEqual(
    NATIVE.filter((name) => !at(160).includes(name)),
    ['seresnext'],
  );
  assert.deepEqual(
    NATIVE.filter((name) => !at(180).includes(name)),
    ['seresnext', 'vits16r224', 'vitb16r224', 'vitl16r224'],
  );
  assert.deepEqual(
    runnableModels({ training_crop_size: 256 }).filter((name) => name.startsWith('vit')),
    [],
  );
  assert.deepEqual(runnableModels({ layers_to_freeze: 20 }), ['vitl16r224']);
});

test('where none fits all remain, so that their trials say why', () => {
  assert.deepEqual(runnableModels({ layers_to_freeze: 99 }), runnableModels());
});

test('detectors are those of the task: boxes or masks', () => {
  const [boxes, masks] = (['image_object_detection', 'image_instance_segmentation'] as const).map((task) =>
    runnableModels({}, task),
  );
  assert.ok(boxes.includes('fasterrcnn_resnet50_fpn') && boxes.every((name) => findDetector(name).finds === 'boxes'));
  assert.ok(masks.includes('maskrcnn_resnet50_fpn') && masks.every((name) => findDetector(name).finds === 'masks'));
});
