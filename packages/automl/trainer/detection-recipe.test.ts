import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { type DetectionCircumstances, detectionRecipe, untaughtWarning } from './detection-recipe.ts';
import type { DetectorHyperparameters } from './detector-hyperparameters.ts';

const resolved = (model: string, given = {}) => resolveHyperparameters('image_object_detection', model, given);
const defaults = resolved('fasterrcnn_resnet18_fpn');
const circumstances = (changes: Partial<DetectionCircumstances> = {}): DetectionCircumstances => ({
  images: 128,
  knows: 'objects',
  device: 'cpu',
  given: new Set(),
  fitToData: true,
  ...changes,
});

test('a job file keeps its documented defaults; random weights learn three times as long', () => {
  for (const model of ['fasterrcnn_resnet18_fpn', 'retinanet_resnet50_fpn', 'yolov5']) {
    const hp = resolved(model);
    assert.deepEqual(detectionRecipe(hp, circumstances({ fitToData: false })), hp);
    const untaught = detectionRecipe(hp, circumstances({ fitToData: false, knows: 'nothing' }));
    assert.deepEqual(untaught, { ...hp, number_of_epochs: 3 * hp.number_of_epochs, early_stopping_patience: 15 });
  }
});

test('fine-tuning keeps the early stages as they are, and makes 600 updates at the least', () => {
  for (const knows of ['objects', 'images'] as const) {
    const hp = detectionRecipe(defaults, circumstances({ knows }));
    assert.deepEqual(hp, { ...defaults, layers_to_freeze: 2 });
  }
  const few = detectionRecipe(defaults, circumstances({ images: 40 }));
  assert.deepEqual([few.number_of_epochs, few.early_stopping_patience], [30, 10]);
});

test('another batch has the learning rate of its size, up to the highest of the references', () => {
  for (const [batch, images, rate] of [
    [1, 128, 0.0025],
    [4, 128, 0.01],
    [16, 128, 0.02],
    ['auto', 128, 0.02],
  ] as const) {
    const given = { training_batch_size: batch };
    const hp = detectionRecipe(
      resolved('fasterrcnn_resnet18_fpn', given),
      circumstances({ images, given: new Set(Object.keys(given)) }),
    );
    assert.equal(hp.training_batch_size, batch);
    assert.ok(Math.abs(hp.learning_rate - rate) < 1e-9, `${batch} ${hp.learning_rate}`);
  }
});

test('random weights get batches that normalise, steps that suit all layers, and small images on a CPU', () => {
  const { optimizer, learning_rate, training_batch_size, min_size, max_size, number_of_epochs, layers_to_freeze } =
    detectionRecipe(defaults, circumstances({ knows: 'nothing' }));
  assert.deepEqual(
    { optimizer, learning_rate, training_batch_size, min_size, max_size, number_of_epochs, layers_to_freeze },
    {
      optimizer: 'adamw',
      learning_rate: 5e-4,
      training_batch_size: 8,
      min_size: 320,
      max_size: 711,
      number_of_epochs: 63, // of 16 updates
      layers_to_freeze: 0,
    },
  );
  assert.equal(detectionRecipe(defaults, circumstances({ knows: 'nothing', device: 'cuda' })).min_size, 600);
  const retinaNet = detectionRecipe(resolved('retinanet_resnet50_fpn'), circumstances({ knows: 'nothing' }));
  assert.equal(retinaNet.learning_rate, 1e-4);
});

test('what a job names is never changed, nor what belongs to it', () => {
  const values = { learning_rate: 0.003, min_size: 400, training_batch_size: 4, number_of_epochs: 3 };
  const given = resolved('retinanet_resnet50_fpn', values);
  const hp = detectionRecipe(given, circumstances({ knows: 'nothing', given: new Set(Object.keys(values)) }));
  assert.deepEqual(hp, { ...given, early_stopping_patience: 15 });
});

test('Mask R-CNN is trained as Faster R-CNN is', () => {
  const masks = resolveHyperparameters('image_instance_segmentation', 'maskrcnn_resnet50_fpn', {});
  for (const knows of ['nothing', 'images', 'objects'] as const) {
    const [hp, other] = [masks, resolved('fasterrcnn_resnet50_fpn')].map((given) => {
      const { optimizer, learning_rate, training_batch_size, min_size, number_of_epochs, layers_to_freeze } =
        detectionRecipe(given, circumstances({ knows }));
      return [optimizer, learning_rate, training_batch_size, min_size, number_of_epochs, layers_to_freeze];
    });
    assert.deepEqual(hp, other, knows);
  }
});

test('YOLOv5 gets as many updates, by smaller batches of small sets, and without weights small images on a CPU', () => {
  const hp = resolved('yolov5');
  const chosen = ({ training_batch_size, image_size, number_of_epochs, optimizer }: DetectorHyperparameters) => [
    ...[training_batch_size, image_size, number_of_epochs, optimizer],
  ];
  assert.deepEqual(chosen(detectionRecipe(hp, circumstances())), [8, 640, 38, 'sgd']); // of 16 updates
  assert.deepEqual(chosen(detectionRecipe(hp, circumstances({ knows: 'nothing' }))), [8, 320, 90, 'sgd']);
  assert.deepEqual(chosen(detectionRecipe(hp, circumstances({ images: 5000 }))), [16, 640, 30, 'sgd']);
  const named = { image_size: 512, training_batch_size: 4, number_of_epochs: 7 };
  const given = circumstances({ knows: 'nothing', given: new Set(Object.keys(named)) });
  assert.deepEqual(chosen(detectionRecipe(resolved('yolov5', named), given)), [4, 512, 7, 'sgd']);
});

test('few images for random weights are warned of', () => {
  const said = untaughtWarning(defaults, { images: 128, knows: 'nothing' });
  assert.match(said ?? '', /random weights on 128 images.*expect far less/s);
  assert.match(said ?? '', /training_batch_size: 2 is little.*8 are better/s);
  assert.match(said ?? '', /--weights <file>/);
  assert.equal(untaughtWarning(defaults, { images: 128, knows: 'images' }), null);
  assert.equal(untaughtWarning(defaults, { images: 20_000, knows: 'nothing' }), null);
  assert.doesNotMatch(
    untaughtWarning(resolved('yolov5'), { images: 9, knows: 'nothing' }) ?? '',
    /training_batch_size/,
  );
});
