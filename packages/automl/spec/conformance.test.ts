import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ImageJob, jobMode } from './job.ts';
import { parseJob } from './parse.ts';
import type { Task } from './tasks.ts';
import { unsupportedReasons } from './unsupported.ts';

const folder = join(import.meta.dirname, '../fixtures/jobs');

function read(file: string, set: readonly string[] = []) {
  return parseJob(readFileSync(join(folder, file), 'utf8'), { file, set });
}

/** The job of a file that has no error. */
function job(file: string, set: readonly string[] = []): ImageJob {
  const { job, issues } = read(file, set);
  assert.deepEqual(
    issues.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.ok(job);
  return job;
}

const bandit = { type: 'bandit', evaluation_interval: 2, delay_evaluation: 6, slack_factor: 0.2 };
const tenInAnHour = { max_trials: 10, max_concurrent_trials: 2, timeout_minutes: 60 };
const twoInSevenDays = { max_trials: 2, max_concurrent_trials: 1, timeout_minutes: 7 * 24 * 60 };
const choice = (...values: (string | number)[]) => ({ type: 'choice', values });
const uniform = (min_value: number, max_value: number) => ({ type: 'uniform', min_value, max_value });

const multiclassSpace = [
  {
    model_name: choice('vitb16r224', 'vits16r224'),
    learning_rate: uniform(0.001, 0.01),
    number_of_epochs: choice(15, 30),
  },
  { model_name: choice('seresnext', 'resnet50'), learning_rate: uniform(0.001, 0.01), layers_to_freeze: choice(0, 2) },
];
const detectionSpace = [
  { model_name: choice('yolov5'), learning_rate: uniform(0.0001, 0.01), model_size: choice('small', 'medium') },
  {
    model_name: choice('fasterrcnn_resnet50_fpn'),
    learning_rate: uniform(0.0001, 0.001),
    optimizer: choice('sgd', 'adam', 'adamw'),
    min_size: choice(600, 800),
  },
];
const segmentationSpace = (lowest: number, highest: number) => [
  {
    model_name: choice('maskrcnn_resnet50_fpn'),
    learning_rate: uniform(lowest, highest),
    optimizer: choice('sgd', 'adam', 'adamw'),
    min_size: choice(600, 800),
  },
];

const sweeps: [file: string, task: Task, metric: string, space: object[], fixed: object][] = [
  ['jobs/image-classification-multiclass.yml', 'image_classification', 'accuracy', multiclassSpace, {}],
  ['jobs-legacy-syntax/image-classification-multiclass.yml', 'image_classification', 'accuracy', multiclassSpace, {}],
  [
    'sdk-test-configs/e2e_automl_image_classification_job.yaml',
    'image_classification',
    'accuracy',
    [multiclassSpace[0] ?? {}, { ...multiclassSpace[1], model_name: choice('seresnext', 'resnest50') }],
    { optimizer: 'sgd' },
  ],
  ['jobs/image-object-detection.yml', 'image_object_detection', 'mean_average_precision', detectionSpace, {}],
  [
    'jobs-legacy-syntax/image-object-detection.yml',
    'image_object_detection',
    'mean_average_precision',
    [
      { ...detectionSpace[0], model_name: 'yolov5' },
      { ...detectionSpace[1], model_name: 'fasterrcnn_resnet50_fpn' },
    ],
    {},
  ],
  [
    'jobs/image-instance-segmentation.yml',
    'image_instance_segmentation',
    'mean_average_precision',
    segmentationSpace(0.0001, 0.001),
    {},
  ],
  [
    'sdk-test-configs/e2e_automl_image_instance_segmentation_job.yaml',
    'image_instance_segmentation',
    'mean_average_precision',
    segmentationSpace(0.001, 0.01),
    {},
  ],
];

for (const [file, task, metric, space, fixed] of sweeps) {
  test(`${file} is the random sweep that its author meant`, () => {
    const parsed = job(file);
    assert.equal(parsed.task, task);
    assert.equal(parsed.primary_metric, metric);
    assert.equal(jobMode(parsed), 'sweep');
    assert.deepEqual(parsed.limits, tenInAnHour);
    assert.deepEqual(parsed.sweep, { sampling_algorithm: 'random', early_termination: bandit });
    assert.deepEqual(parsed.training_parameters, { early_stopping: true, evaluation_frequency: 1, ...fixed });
    assert.deepEqual(parsed.search_space, space);
    assert.equal(parsed.validation_data_size, undefined);
  });
}

const automodes: [file: string, task: Task, limits: object, compute: string][] = [
  ['jobs/image-classification-multiclass-automode.yml', 'image_classification', tenInAnHour, 'nc6'],
  [
    'jobs/image-classification-multilabel-automode.yml',
    'image_classification_multilabel',
    tenInAnHour,
    'azureml:gpu-cluster',
  ],
  ['jobs/image-instance-segmentation-automode.yml', 'image_instance_segmentation', tenInAnHour, 'azureml:gpu-cluster'],
  [
    'sdk-test-configs/e2e_automl_image_classification_multilabel_automode_job.yaml',
    'image_classification_multilabel',
    twoInSevenDays,
    'azureml:gpu-cluster',
  ],
  [
    'sdk-test-configs/e2e_automl_image_object_detection_automode_job.yaml',
    'image_object_detection',
    twoInSevenDays,
    'azureml:gpu-cluster',
  ],
];

for (const [file, task, limits, compute] of automodes) {
  test(`${file} leaves model and hyperparameters to the system`, () => {
    const parsed = job(file);
    assert.equal(parsed.task, task);
    assert.equal(jobMode(parsed), 'automode');
    assert.deepEqual(parsed.limits, limits);
    assert.equal(parsed.compute, compute);
    assert.deepEqual(parsed.training_parameters, {});
  });
}

test('a file gives data, names and logging as written, and defaults for what it leaves out', () => {
  assert.deepEqual(job('jobs/image-classification-multiclass-automode.yml'), {
    $schema: 'https://azuremlsdk2.blob.core.windows.net/preview/0.0.1/autoMLJob.schema.json',
    type: 'automl',
    task: 'image_classification',
    experiment_name: 'dpv2-cli-automl-image-classification-experiment',
    description: 'A multi-class Image classification job using fridge items dataset',
    tags: {},
    properties: {},
    compute: 'nc6',
    log_verbosity: 'debug',
    primary_metric: 'accuracy',
    target_column_name: 'label',
    training_data: { path: 'data/training-mltable-folder', type: 'mltable', mode: 'direct' },
    validation_data: { path: 'data/validation-mltable-folder', type: 'mltable', mode: 'direct' },
    limits: tenInAnHour,
    training_parameters: {},
    outputs: { best_model: { type: 'mlflow_model' } },
  });
});

test('the older place of limits is said', () => {
  const { issues } = read('jobs-legacy-syntax/image-classification-multiclass.yml');
  assert.deepEqual(
    issues.map(({ code, severity, line, column }) => ({ code, severity, line, column })),
    [{ code: 'deprecated', severity: 'warning', line: 30, column: 3 }],
  );
});

const runnable = [...sweeps, ...automodes].map(([file]) => file);

for (const file of runnable) {
  test(`${file} can be run, but for data that is elsewhere`, () => {
    const { job: parsed, source } = read(file);
    assert.ok(parsed);
    const errors = unsupportedReasons(parsed, source).filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.filter(({ message }) => !/^(training|validation)_data can not be read from /.test(message)),
      [],
    );
  });
}

const gridsWithRanges: [file: string, lines: number[]][] = [
  ['sdk-test-configs/automl_image_classification_job_mock.yaml', [46, 60]],
  ['sdk-test-configs/automl_image_object_detection_job_mock.yaml', [43, 54]],
  ['sdk-test-configs/automl_image_job_limits_outside_sweep_mock.yml', [43, 54]],
];

for (const [file, lines] of gridsWithRanges) {
  test(`${file} is refused: a grid can not enumerate a range`, () => {
    const { job, issues } = read(file);
    assert.equal(job, null);
    const errors = issues.filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.map(({ message, line, column, length }) => ({ message, line, column, length })),
      lines.map((line) => ({ message: 'a grid can not enumerate uniform', line, column: 13, length: 7 })),
    );
  });
}

const checkpointing = {
  ...{ checkpoint_frequency: 1, early_stopping: true, early_stopping_delay: 2, early_stopping_patience: 2 },
  evaluation_frequency: 1,
};
const one = { max_trials: 1, max_concurrent_trials: 1, timeout_minutes: 60 };
const mockDetectionSpace = [
  { model_name: choice('yolov5'), learning_rate: uniform(0.0001, 0.01), model_size: choice('small', 'medium') },
  {
    ...{ model_name: choice('fasterrcnn_resnet50_fpn'), learning_rate: uniform(0.005, 0.05) },
    ...{ warmup_cosine_lr_warmup_epochs: choice(0, 3), optimizer: choice('sgd', 'adam', 'adamw') },
    min_size: choice(600, 800),
  },
];
const mocks: [file: string, task: Task, limits: object, space: object[]][] = [
  [
    'sdk-test-configs/automl_image_classification_job_mock.yaml',
    'image_classification',
    one,
    [
      {
        ...{ model_name: choice('vitb16r224', 'vits16r224'), learning_rate: uniform(0.005, 0.05) },
        ...{ number_of_epochs: choice(15, 30), gradient_accumulation_step: choice(1, 2) },
      },
      {
        ...{ model_name: choice('seresnext', 'resnest50'), learning_rate: uniform(0.005, 0.05) },
        ...{ validation_resize_size: choice(288, 320, 352), validation_crop_size: choice(224, 256) },
        training_crop_size: choice(224, 256),
      },
    ],
  ],
  [
    'sdk-test-configs/automl_image_object_detection_job_mock.yaml',
    'image_object_detection',
    { max_trials: 20, max_concurrent_trials: 4, timeout_minutes: 60 },
    mockDetectionSpace,
  ],
  [
    'sdk-test-configs/automl_image_job_limits_outside_sweep_mock.yml',
    'image_object_detection',
    one,
    mockDetectionSpace,
  ],
];

for (const [file, task, limits, space] of mocks) {
  test(`${file} as a random sweep is the job that its author meant`, () => {
    const parsed = job(file, ['sweep.sampling_algorithm=random']);
    assert.equal(parsed.task, task);
    assert.equal(parsed.name, 'simpleautomlimagejob');
    assert.equal(parsed.log_verbosity, 'debug');
    assert.deepEqual(parsed.limits, limits);
    assert.deepEqual(parsed.training_parameters, checkpointing);
    assert.deepEqual(parsed.search_space, space);
    assert.deepEqual(parsed.sweep, {
      sampling_algorithm: 'random',
      early_termination: { type: 'bandit', evaluation_interval: 10, delay_evaluation: 0, slack_factor: 0.2 },
    });
  });
}

test('limits at the top of the job win over sweep.limits, and the file says both', () => {
  const { issues } = read('sdk-test-configs/automl_image_classification_job_mock.yaml');
  const warning = issues.find(({ severity }) => severity === 'warning');
  assert.equal(warning?.line, 25);
  assert.equal(
    warning?.message,
    'sweep.limits is not used where limits at the top of the job says max_trials: 1, max_concurrent_trials: 1',
  );
});

for (const [file, line] of [
  ['image-multiclass-classification-pipeline.yml', 2],
  ['image-multilabel-classification-pipeline.yml', 2],
  ['image-object-detection-pipeline.yml', 2],
] as const) {
  test(`${file}: a pipeline is refused once, not key by key`, () => {
    const { job, issues } = read(`pipelines/${file}`);
    assert.equal(job, null);
    assert.deepEqual(
      issues.map(({ line, message }) => ({ line, message })),
      [{ line, message: 'jobs of type "pipeline" are not supported' }],
    );
  });
}

const kinds = ['jobs', 'jobs-legacy-syntax', 'sdk-test-configs', 'pipelines'];
const filesIn = (root: string) => globSync(`{${kinds.join(',')}}/*`, { cwd: root }).sort();

test('no job file of the fixtures is left unread', () => {
  const pipelines = filesIn(folder).filter((file) => file.startsWith('pipelines'));
  const read = [...runnable, ...mocks.map(([file]) => file), ...pipelines];
  assert.deepEqual(filesIn(folder), read.sort());
});

test('the fixtures are all the job files of the recorded collection, word for word', (t) => {
  const root = join(import.meta.dirname, '../../..');
  const collection = join(root, process.env.FOVEA_SHARED ?? '../shared', 'conformance/azure');
  const files = filesIn(collection);
  if (files.length === 0) return t.skip(`${collection} is not here; FOVEA_SHARED names the folder above it`);
  assert.deepEqual(files, filesIn(folder));
  const words = (path: string) =>
    readFileSync(path, 'utf8')
      .replace(/[ \t]+$/gm, '')
      .trimEnd();
  for (const file of files) assert.equal(words(join(folder, file)), words(join(collection, file)), file);
});
