import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hyperparameters, type ImageJob, parseJob, restNameOf } from '@fovea/automl';
import { Refusal } from '../refusal.ts';
import { jobFromRest, jobToRest } from './job-translation.ts';

const scope = { computeId: (compute: string) => `/ws/computes/${compute}` };

const bare = {
  jobType: 'AutoML',
  taskDetails: {
    taskType: 'ImageClassification',
    targetColumnName: 'label',
    trainingData: { jobInputType: 'mltable', uri: 'azureml:train:1' },
  },
};

const full = {
  jobType: 'AutoML',
  displayName: 'd',
  experimentName: 'e',
  description: 'text',
  tags: { site: 'north' },
  properties: { node_count_per_trial: '1' },
  computeId:
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/gpu-cluster',
  outputs: { best_model: { jobOutputType: 'mlflow_model', mode: 'ReadWriteMount', uri: null } },
  resources: { instanceCount: 1, shmSize: '2g' },
  taskDetails: {
    taskType: 'ImageObjectDetection',
    logVerbosity: 'Info',
    primaryMetric: 'MeanAveragePrecision',
    targetColumnName: 'label',
    trainingData: { jobInputType: 'mltable', uri: 'azureml:train:1', mode: 'Direct' },
    validationData: { jobInputType: 'mltable', uri: 'azureml:val:1' },
    limitSettings: { maxTrials: 10, maxConcurrentTrials: 2, timeout: 'PT60M' },
    sweepSettings: {
      samplingAlgorithm: 'Random',
      earlyTermination: {
        ...{ policyType: 'Bandit', evaluationInterval: 2, delayEvaluation: 6, slackFactor: 0.2, slackAmount: 0 },
      },
    },
    modelSettings: {
      ...{ earlyStopping: true, evaluationFrequency: 1, advancedSettings: '{"apply_mosaic_for_yolo": true}' },
    },
    searchSpace: [
      { modelName: "choice('yolov5')", learningRate: 'uniform(0.0001,0.01)', modelSize: "choice('small','medium')" },
      { modelName: "choice('fasterrcnn_resnet50_fpn')", optimizer: "choice('sgd','adam')", minSize: 'choice(600,800)' },
    ],
  },
};

function refusal(properties: unknown): Refusal {
  try {
    jobFromRest('j', properties);
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error;
  }
  throw new Error('was accepted');
}

const targets = (properties: unknown) => refusal(properties).details.map(({ target }) => target);

test('a bare image job, all that the published client sends, is a job with the defaults', () => {
  const { job } = jobFromRest('j', bare);
  assert.equal(job.name, 'j');
  assert.equal(job.experiment_name, 'Default');
  assert.deepEqual(job.limits, { max_trials: 1, max_concurrent_trials: 1, timeout_minutes: 10080 });
  assert.equal(job.primary_metric, 'accuracy');
  assert.equal(job.validation_data_size, 0.2);
});

test('a full job is what a job file with the same words gives', () => {
  const { job } = jobFromRest('j', full);
  const file = parseJob(
    `type: automl
task: image_object_detection
name: j
display_name: d
experiment_name: e
description: text
tags: {site: north}
properties: {node_count_per_trial: "1"}
compute: gpu-cluster
outputs: {best_model: {type: mlflow_model}}
resources: {instance_count: 1, shm_size: 2g}
log_verbosity: info
primary_metric: mean_average_precision
target_column_name: label
training_data: {path: azureml:train:1, type: mltable, mode: direct}
validation_data: {path: azureml:val:1, type: mltable}
limits: {max_trials: 10, max_concurrent_trials: 2, timeout_minutes: 60}
sweep:
  sampling_algorithm: random
  early_termination: {type: bandit, evaluation_interval: 2, delay_evaluation: 6, slack_factor: 0.2, slack_amount: 0}
training_parameters: {early_stopping: true, evaluation_frequency: 1, advanced_settings: '{"apply_mosaic_for_yolo": true}'}
search_space:
  - {model_name: {type: choice, values: [yolov5]}, learning_rate: {type: uniform, min_value: 0.0001, max_value: 0.01}, model_size: {type: choice, values: [small, medium]}}
  - {model_name: {type: choice, values: [fasterrcnn_resnet50_fpn]}, optimizer: {type: choice, values: [sgd, adam]}, min_size: {type: choice, values: [600, 800]}}
`,
    { file: 'job.yml' },
  );
  assert.deepEqual(job, file.job);
});

test('what is answered is what was said, with the defaults', () => {
  const answer = jobToRest(jobFromRest('j', full).job, scope) as typeof full;
  const { outputs, resources, taskDetails, ...rest } = full;
  assert.deepEqual(
    { ...answer, taskDetails: null, outputs: null },
    {
      ...{ ...rest, computeId: '/ws/computes/gpu-cluster', resources, taskDetails: null, outputs: null },
    },
  );
  const { earlyTermination } = answer.taskDetails.sweepSettings;
  assert.deepEqual(earlyTermination, {
    policyType: 'Bandit',
    evaluationInterval: 2,
    delayEvaluation: 6,
    slackFactor: 0.2,
  });
  assert.deepEqual(answer.taskDetails.searchSpace, taskDetails.searchSpace);
  assert.deepEqual(answer.taskDetails.limitSettings, taskDetails.limitSettings);
  assert.deepEqual(answer.taskDetails.validationData, { ...taskDetails.validationData, mode: 'Direct' });
  assert.equal(answer.taskDetails.modelSettings.advancedSettings, '{"apply_mosaic_for_yolo":true}');
});

test('every hyperparameter goes to REST and back', () => {
  const values: Record<string, unknown> = {
    ...{ tile_grid_size: '3x2', advanced_settings: '{"stream_image_files": true}', checkpoint_run_id: 'j_HD_0' },
    ...{ augmentations: 'x', validation_iou_threshold: 0.5, weighted_loss: 1, distributed: false },
  };
  for (const task of ['image_classification', 'image_object_detection'] as const) {
    const parameters: Record<string, unknown> = {};
    for (const [name, definition] of Object.entries(hyperparameters)) {
      if (!(definition.tasks as readonly string[]).includes(task) || /^checkpoint_(dataset|filename)/.test(name))
        continue;
      const usual = definition.kind === 'bool' ? true : definition.kind === 'enum' ? definition.values[0] : 1;
      parameters[name] = values[name] ?? definition.default ?? usual;
    }
    const text = JSON.stringify({
      ...{ type: 'automl', task, target_column_name: 'label', training_data: { path: 'data' } },
      ...{ name: 'j', experiment_name: 'Default', training_parameters: parameters },
    });
    const { job, issues } = parseJob(text, { file: 'job.yml' });
    assert.ok(job, JSON.stringify(issues.filter(({ severity }) => severity === 'error')));
    const rest = jobToRest(job, scope) as { taskDetails: { modelSettings: object } };
    assert.deepEqual(
      Object.keys(rest.taskDetails.modelSettings).sort(),
      Object.keys(parameters)
        .map((name) => restNameOf(name as keyof typeof hyperparameters))
        .sort(),
    );
    assert.deepEqual(jobFromRest('j', rest).job, job);
  }
});

test('every distribution goes to REST and back', () => {
  const learning_rate = [
    { type: 'choice', values: [1e-7, 0.01] },
    ...['uniform', 'quniform'].map((type) => ({
      type,
      min_value: 1e-7,
      max_value: 0.01,
      ...(type[0] === 'q' && { q: 0.001 }),
    })),
    ...['loguniform', 'qloguniform'].map((type) => ({
      type,
      min_value: -9,
      max_value: -2,
      ...(type[0] === 'q' && { q: 0.001 }),
    })),
    ...['normal', 'lognormal', 'qnormal', 'qlognormal'].map((type) => ({
      ...{ type, mu: 0.5, sigma: 0.25 },
      ...(type[0] === 'q' && { q: 0.001 }),
    })),
    0.003,
  ];
  const text = JSON.stringify({
    ...{ type: 'automl', task: 'image_classification', target_column_name: 'label', training_data: { path: 'data' } },
    ...{ name: 'j', experiment_name: 'Default', limits: { max_trials: 20 } },
    sweep: {
      sampling_algorithm: { type: 'random', rule: 'sobol', seed: 3 },
      early_termination: { type: 'median_stopping' },
    },
    search_space: learning_rate.map((value, i) => ({
      ...{ model_name: 'resnet18', learning_rate: value, number_of_epochs: i % 2 ? 4 : { type: 'randint', upper: 9 } },
      nesterov: { type: 'choice', values: [true, false] },
    })),
  });
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.ok(job, JSON.stringify(issues));
  const rest = jobToRest(job, scope) as { taskDetails: { searchSpace: Record<string, string>[] } };
  assert.equal(rest.taskDetails.searchSpace[0].learningRate, 'choice(0.0000001,0.01)');
  assert.deepEqual(jobFromRest('j', rest).job, job);
});

test('what is wrong is told at its place in the request, all of it at once', () => {
  assert.deepEqual(
    targets({
      ...bare,
      taskDetails: {
        ...bare.taskDetails,
        limitSettings: { maxTrials: 0, timeout: '60 minutes' },
        modelSettings: { learningRate: 3, learningRat: 1, stepLRGamma: 'x' },
        primaryMetric: 'AUCWeighted',
      },
    }).sort(),
    [
      'properties.taskDetails.limitSettings.maxTrials',
      'properties.taskDetails.limitSettings.timeout',
      'properties.taskDetails.modelSettings.learningRat',
      'properties.taskDetails.modelSettings.learningRate',
      'properties.taskDetails.modelSettings.stepLRGamma',
      'properties.taskDetails.primaryMetric',
    ],
  );
  const { searchSpace: _, ...details } = full.taskDetails;
  assert.deepEqual(targets({ ...full, taskDetails: details }), ['properties.taskDetails.sweepSettings']);
  assert.deepEqual(
    targets({ ...full, taskDetails: { ...full.taskDetails, searchSpace: [{ learningRate: 'uniform(1)', hue: '1' }] } }),
    ['properties.taskDetails.searchSpace[0].hue', 'properties.taskDetails.searchSpace[0].learningRate'],
  );
  const typo = refusal({ ...bare, taskDetails: { ...bare.taskDetails, limitSetings: {} } });
  assert.match(typo.details[0].message, /limitSettings/);
});

test('other kinds of jobs, and what is no job, are refused', () => {
  assert.equal(refusal({ jobType: 'Command', command: 'id' }).code, 'UnsupportedJobType');
  assert.ok(
    targets({ ...bare, taskDetails: { ...bare.taskDetails, taskType: 'Classification' } }).includes(
      'properties.taskDetails.taskType',
    ),
  );
  for (const odd of [null, 3, [], 'x', {}, { jobType: 'AutoML' }, { jobType: 'AutoML', taskDetails: [] }]) {
    assert.equal(refusal(odd).reason, 'invalid');
  }
});

test('what was read can be sent back', () => {
  const { job } = jobFromRest('j', full);
  const read = { ...jobToRest(job, scope), status: 'Running', services: {}, isArchived: false, fovea: { best: 'x' } };
  assert.deepEqual(jobFromRest('j', read).job, job);
});

const shared = join(process.env.FOVEA_SHARED ?? join(import.meta.dirname, '../../../../shared'), 'conformance/azure');
const files = globSync('{jobs,jobs-legacy-syntax,sdk-test-configs}/*.{yml,yaml}', { cwd: shared });
test("Azure's sample jobs go to REST and back", { skip: files.length === 0 ? 'no FOVEA_SHARED' : false }, () => {
  let translated = 0;
  for (const file of files) {
    const { job } = parseJob(readFileSync(join(shared, file), 'utf8'), { file, experimentName: 'Default' });
    if (job === null) continue;
    let back: ImageJob;
    try {
      back = jobFromRest(job.name ?? 'j', jobToRest(job, scope)).job;
    } catch (error) {
      // A job that this release cannot run is refused in the same words, whichever way it comes.
      assert.ok(
        (error as Refusal).details.every(({ code }) => code === 'unsupported'),
        file,
      );
      continue;
    }
    const { $schema: _, ...rest } = job;
    const compute = rest.compute.replace(/^azureml:/, '');
    assert.deepEqual(
      { ...back, compute: back.compute.replace(/^azureml:/, '') },
      { ...rest, compute, name: back.name },
      file,
    );
    translated++;
  }
  assert.ok(translated > 0);
});
