import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IssuesError } from '@fovea/data';
import { findModel } from '@fovea/vision';
import { type HyperparameterName, hyperparameters, nameFromElsewhere, restNameOf } from './hyperparameters.ts';
import { parseJob } from './parse.ts';
import { applicableNames, defaultOf, resolveHyperparameters, trialHyperparameters } from './resolve-hyperparameters.ts';
import { freezableGroups, modelNames, tasks } from './tasks.ts';

test('every hyperparameter of a classification trial has a value', () => {
  assert.deepEqual(resolveHyperparameters('image_classification', 'resnet18', {}), {
    model_name: 'resnet18',
    number_of_epochs: 15,
    training_batch_size: 78,
    validation_batch_size: 78,
    gradient_accumulation_step: 1,
    early_stopping: true,
    early_stopping_patience: 5,
    early_stopping_delay: 5,
    learning_rate: 0.01,
    learning_rate_scheduler: 'warmup_cosine',
    step_lr_gamma: 0.5,
    step_lr_step_size: 5,
    warmup_cosine_lr_cycles: 0.45,
    warmup_cosine_lr_warmup_epochs: 2,
    optimizer: 'sgd',
    momentum: 0.9,
    nesterov: true,
    weight_decay: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    ams_gradient: false,
    evaluation_frequency: 1,
    checkpoint_frequency: null,
    checkpoint_run_id: null,
    checkpoint_dataset_id: null,
    checkpoint_filename: null,
    layers_to_freeze: 0,
    number_of_workers: null,
    random_seed: 42,
    distributed: null,
    enable_onnx_normalization: false,
    augmentations: null,
    advanced_settings: {
      apply_mosaic_for_yolo: true,
      apply_automl_train_augmentations: true,
      stream_image_files: false,
    },
    weighted_loss: 0,
    label_smoothing_factor: 0,
    validation_resize_size: 256,
    validation_crop_size: 224,
    training_crop_size: 224,
  });
});

test('the types of what comes back are those of the table', () => {
  const resolved = resolveHyperparameters('image_classification', 'resnet18', { optimizer: 'adam' });
  const optimizer: 'sgd' | 'adam' | 'adamw' = resolved.optimizer;
  const epochs: number = resolved.number_of_epochs;
  const workers: number | null = resolved.number_of_workers;
  assert.deepEqual([optimizer, epochs, workers], ['adam', 15, null]);
});

// Documentation of the service, hyperparameters of computer vision tasks.
const learningRates: [task: (typeof tasks)[number], model: string, rate: number][] = [
  ['image_classification', 'seresnext', 0.01],
  ['image_classification', 'vits16r224', 0.0125],
  ['image_classification', 'vitb16r224', 0.0125],
  ['image_classification', 'vitl16r224', 0.001],
  ['image_classification_multilabel', 'resnet50', 0.035],
  ['image_classification_multilabel', 'vits16r224', 0.025],
  ['image_classification_multilabel', 'vitb16r224', 0.025],
  ['image_classification_multilabel', 'vitl16r224', 0.002],
  ['image_object_detection', 'fasterrcnn_resnet50_fpn', 0.005],
  ['image_object_detection', 'yolov5', 0.01],
  ['image_instance_segmentation', 'maskrcnn_resnet50_fpn', 0.005],
];
test('learning rates by task and model', () => {
  for (const [task, model, rate] of learningRates) assert.equal(defaultOf('learning_rate', task, model), rate, model);
});

const batchSizes: [task: (typeof tasks)[number], model: string, training: number, validation: number][] = [
  ['image_classification', 'mobilenetv2', 78, 78],
  ['image_classification_multilabel', 'resnet18', 78, 78],
  ['image_classification', 'vits16r224', 128, 128],
  ['image_classification_multilabel', 'vitb16r224', 48, 48],
  ['image_classification', 'vitl16r224', 10, 10],
  ['image_object_detection', 'retinanet_resnet50_fpn', 2, 1],
  ['image_object_detection', 'yolov5', 16, 16],
  ['image_instance_segmentation', 'maskrcnn_resnet18_fpn', 2, 1],
];
test('batch sizes by task and model', () => {
  for (const [task, model, ...sizes] of batchSizes) {
    const resolved = [defaultOf('training_batch_size', task, model), defaultOf('validation_batch_size', task, model)];
    assert.deepEqual(resolved, sizes, model);
  }
});

test('yolov5 has its own hyperparameters, the other detectors theirs', () => {
  const yolo = resolveHyperparameters('image_object_detection', 'yolov5', {});
  const rcnn = resolveHyperparameters('image_object_detection', 'fasterrcnn_resnet50_fpn', {});
  assert.deepEqual(
    [yolo.number_of_epochs, yolo.image_size, yolo.model_size, yolo.box_score_threshold],
    [30, 640, 'medium', 0.1],
  );
  assert.deepEqual(
    [rcnn.number_of_epochs, rcnn.min_size, rcnn.max_size, rcnn.box_score_threshold],
    [15, 600, 1333, 0.3],
  );
  assert.equal('min_size' in yolo, false);
  assert.equal('image_size' in rcnn, false);
});

test('what is wrong is all said at once', () => {
  const given = { momentum: 3, nesterov: 'x', lerning_rate: 0.1, min_size: 5 };
  assert.throws(
    () => resolveHyperparameters('image_classification', 'resnet81', given),
    (error: unknown) => {
      assert.ok(error instanceof IssuesError);
      assert.deepEqual(
        error.issues.map(({ path, message }) => `${path}: ${message}`),
        [
          'model_name: image_classification has no model "resnet81"',
          'momentum: momentum must be a number from 0 to 1, not 3',
          'nesterov: nesterov must be true or false, not "x"',
          'lerning_rate: image_classification has no hyperparameter lerning_rate',
          'min_size: image_classification has no hyperparameter min_size',
        ],
      );
      return true;
    },
  );
});

test('values that do not fit together are refused', () => {
  const crops = { training_crop_size: 224, validation_crop_size: 192 };
  assert.throws(() => resolveHyperparameters('image_classification', 'vits16r224', crops), /sees images of one size/);
  assert.doesNotThrow(() => resolveHyperparameters('image_classification', 'resnet18', crops));
});

test('sizes that a network cannot be made for are refused, as its entry in the registry says', () => {
  const problemOf = (model: string, size: number) => {
    const sizes = { training_crop_size: size, validation_crop_size: size, validation_resize_size: 512 };
    try {
      resolveHyperparameters('image_classification', model, sizes);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const [model, size] of [
    ['vitb16r224', 160],
    ['seresnext', 256],
    ['resnest50', 33],
    ['mobilenetv2', 32],
  ] as const)
    assert.equal(problemOf(model, size), null, model);
  assert.match(problemOf('vitb16r224', 200) ?? '', /does not take a training_crop_size of 200.*multiples of 16/s);
  assert.match(problemOf('seresnext', 192) ?? '', /does not take a validation_crop_size of 192.*224 or 256/s);
  assert.match(problemOf('resnet18', 24) ?? '', /does not take a training_crop_size of 24.*32 and more/s);
});

test("a model's own defaults are hyperparameters, and within their ranges", () => {
  for (const model of modelNames.image_classification) {
    const { defaults, multilabelDefaults } = findModel(model);
    const resolved: Record<string, unknown> = resolveHyperparameters('image_classification', model, defaults);
    for (const [name, value] of Object.entries(defaults)) {
      assert.equal(resolved[name], value);
      assert.equal(defaultOf(name as HyperparameterName, 'image_classification', model), value);
    }
    const own = { ...defaults, ...multilabelDefaults };
    assert.doesNotThrow(() => resolveHyperparameters('image_classification_multilabel', model, own));
  }
});

test('given advanced settings are laid over the defaults', () => {
  const { advanced_settings: settings } = resolveHyperparameters('image_classification', 'resnet18', {
    advanced_settings: { stream_image_files: true },
  });
  assert.deepEqual(settings, {
    apply_mosaic_for_yolo: true,
    apply_automl_train_augmentations: true,
    stream_image_files: true,
  });
});

test('a trial has what was drawn, else what the job fixes, else the default; draws are brought back into range', () => {
  const { job } = parseJob(
    `type: automl
task: image_classification
target_column_name: label
training_data: {path: data}
training_parameters: {model_name: resnet18, momentum: 0.5, number_of_epochs: 3}
`,
    { file: 'job.yml' },
  );
  assert.ok(job);
  const trial = trialHyperparameters(job, { model_name: 'resnet34', momentum: 1.7, number_of_epochs: 0, beta1: -0.2 });
  assert.deepEqual([trial.model_name, trial.momentum, trial.number_of_epochs, trial.beta1], ['resnet34', 1, 1, 0]);
  assert.deepEqual(trialHyperparameters(job).model_name, 'resnet18');
});

test('the names of other surfaces', () => {
  assert.equal(restNameOf('step_lr_gamma'), 'stepLRGamma');
  assert.equal(restNameOf('warmup_cosine_lr_warmup_epochs'), 'warmupCosineLRWarmupEpochs');
  assert.equal(restNameOf('tile_predictions_nms_threshold'), 'tilePredictionsNmsThreshold');
  assert.equal(nameFromElsewhere('amsgrad'), 'ams_gradient');
  assert.equal(nameFromElsewhere('box_nms_thresh'), 'nms_iou_threshold');
  assert.equal(nameFromElsewhere('boxNmsThresh'), undefined);
});

test('every model can count the groups that it freezes', () => {
  const groups = {
    mobilenetv2: 19,
    resnest101: 5,
    seresnext: 5,
    vitb16r224: 13,
    vitl16r224: 25,
    yolov5: 10,
    maskrcnn_resnet152_fpn: 5,
  };
  for (const [model, count] of Object.entries(groups)) assert.equal(freezableGroups(model), count, model);
  for (const task of tasks) for (const model of modelNames[task]) assert.ok(freezableGroups(model), model);
  assert.equal(freezableGroups('lenet'), undefined);
});

test('every default is a value that may be given', () => {
  for (const task of tasks) {
    for (const model of modelNames[task]) {
      const resolved: Record<string, unknown> = resolveHyperparameters(task, model, {});
      const given = Object.fromEntries(Object.entries(resolved).filter(([, value]) => value !== null));
      assert.deepEqual(resolveHyperparameters(task, model, given), resolved);
      assert.deepEqual(Object.keys(resolved), ['model_name', ...applicableNames(task, model)]);
    }
  }
  assert.equal(new Set(Object.keys(hyperparameters)).size, Object.keys(hyperparameters).length);
});
