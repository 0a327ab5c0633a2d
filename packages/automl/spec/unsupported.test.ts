import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import { parseJob } from './parse.ts';
import { runnableModels } from './runnable-models.ts';
import { modelNames } from './tasks.ts';
import { unsupportedReasons } from './unsupported.ts';

const models = ['resnet18', 'resnet34', 'resnet50', 'mobilenetv2'];
const head = `type: automl
task: image_classification
target_column_name: label
training_data: {path: data}
`;

/** Reasons against lines added to a job; lines are counted from there. */
function reasons(lines: string, start = head): string[] {
  const { job, source, issues } = parseJob(start + lines, { file: 'job.yml' });
  assert.ok(job, formatIssues(issues));
  return unsupportedReasons(job, source, models).map(
    ({ severity, line = 0, column, message, hint }) =>
      `${line - 4}:${column} ${severity === 'warning' ? 'warning: ' : ''}${message}${hint === undefined ? '' : `; ${hint}`}`,
  );
}

const runnable = 'training_parameters: {model_name: resnet18}\n';

test('one small model runs', () => {
  assert.deepEqual(reasons(runnable), []);
  assert.deepEqual(reasons('training_parameters: {model_name: mobilenetv2, weighted_loss: 2, optimizer: adamw}\n'), []);
});

test('every sampling runs, several trials at once', () => {
  const sweep = `limits: {max_trials: 4, max_concurrent_trials: 2}
sweep: {sampling_algorithm: grid, early_termination: {type: median_stopping}}
search_space: [{model_name: {type: choice, values: [resnet18, resnet34]}}]
`;
  for (const sampling of ['grid', 'bayesian', '{type: random, rule: sobol}']) {
    assert.deepEqual(reasons(sweep.replace('grid', sampling)), []);
  }
});

const cases: [name: string, lines: string, ...expected: string[]][] = [
  [
    'a model that is named',
    'training_parameters: {model_name: seresnext}\n',
    '1:35 seresnext can not be trained yet; this release trains resnet18, resnet34, resnet50, mobilenetv2',
  ],
  [
    'the default model',
    'training_parameters: {momentum: 0.5}\n',
    '1:1 no model_name is given, and the default, vitb16r224, can not be trained yet; this release trains resnet18, resnet34, resnet50, mobilenetv2',
  ],
  [
    'models of a choice, each where it stands',
    'sweep: {sampling_algorithm: random}\nsearch_space:\n  - model_name: {type: choice, values: [resnet18, vitb16r224]}\n  - model_name: resnest50\n',
    '3:51 vitb16r224 can not be trained yet; this release trains resnet18, resnet34, resnet50, mobilenetv2',
    '4:17 resnest50 can not be trained yet; this release trains resnet18, resnet34, resnet50, mobilenetv2',
  ],
  [
    'several GPUs',
    'training_parameters: {model_name: resnet18, distributed: true}\n',
    '1:58 training on several GPUs can not be run yet; take distributed out',
  ],
  [
    'several machines',
    `properties: {node_count_per_trial: "2"}\n${runnable}`,
    '1:36 a trial can not run on several machines yet; node_count_per_trial: "1"',
  ],
  [
    'data in the cloud',
    `validation_data: {path: "https://example.org/val"}\n${runnable}`,
    '1:25 validation_data can not be read from https yet; download it, and give the folder',
  ],
  [
    'compute elsewhere',
    `compute: azureml:gpu-cluster\n${runnable}`,
    '1:1 warning: runs on this machine, not on azureml:gpu-cluster; fovea compute create gives this machine that name',
  ],
  [
    'settings of cloud machines',
    `environment_variables: {A: b}\nresources: {instance_count: 2}\n${runnable}`,
    '1:1 warning: environment_variables has no effect on this machine',
    '2:1 warning: resources has no effect on this machine',
  ],
  [
    'flags of other tasks',
    `training_parameters: {model_name: resnet18, advanced_settings: '{"apply_mosaic_for_yolo": false}'}\n`,
    '1:45 warning: apply_mosaic_for_yolo: no effect on image_classification on this machine',
  ],
  [
    'a place for the model',
    `outputs: {best_model: {type: mlflow_model, path: ./out}}\n${runnable}`,
    '1:44 warning: path has no effect: the model is written to the folder of the job',
  ],
];
for (const [name, lines, ...expected] of cases) {
  test(`not yet, or otherwise: ${name}`, () => assert.deepEqual(reasons(lines), expected));
}

test('every task runs, AutoMode and default models included', () => {
  const said = (task: string, lines = '') => {
    const { job, source } = parseJob(head.replace('image_classification', task) + lines, { file: 'job.yml' });
    assert.ok(job);
    return unsupportedReasons(job, source).map(({ message }) => message);
  };
  for (const task of ['image_object_detection', 'image_instance_segmentation']) {
    assert.deepEqual(said(task), []);
    assert.deepEqual(said(task, 'limits: {max_trials: 3}\n'), []);
  }
  assert.deepEqual(
    said('image_instance_segmentation', 'training_parameters: {model_name: maskrcnn_resnet18_fpn}\n'),
    [],
  );
});

test('masks are not looked for in tiles', () => {
  const lines = 'training_parameters: {model_name: maskrcnn_resnet18_fpn, tile_grid_size: 3x2}\n';
  const { issues } = parseJob(head.replace('image_classification', 'image_instance_segmentation') + lines, {
    file: 'job.yml',
  });
  const [{ severity, message }] = issues;
  assert.equal(severity, 'error');
  assert.equal(
    message,
    'tile_grid_size is a hyperparameter of image_object_detection, not of image_instance_segmentation',
  );
});

test('a flag of yolov5 has no effect on other detectors', () => {
  const start = head.replace('image_classification', 'image_object_detection');
  const flagged = (model: string) =>
    `training_parameters: {model_name: ${model}, advanced_settings: '{"apply_mosaic_for_yolo": false}'}\n`;
  const said = (model: string) => {
    const { job, source } = parseJob(start + flagged(model), { file: 'job.yml' });
    assert.ok(job);
    return unsupportedReasons(job, source).map(({ message }) => message);
  };
  assert.deepEqual(said('yolov5'), []);
  assert.deepEqual(said('retinanet_resnet50_fpn'), [
    'apply_mosaic_for_yolo: no effect on retinanet_resnet50_fpn on this machine',
  ]);
});

test('every detector of the contract runs, and AutoMode takes those that fit what the job fixes', () => {
  const detection = head.replace('image_classification', 'image_object_detection');
  for (const model of modelNames.image_object_detection) {
    const { job, source, issues } = parseJob(`${detection}training_parameters: {model_name: ${model}}\n`, {
      file: 'job.yml',
    });
    assert.ok(job, formatIssues(issues));
    assert.deepEqual(unsupportedReasons(job, source), []);
  }
  assert.deepEqual(runnableModels({}, 'image_object_detection'), [...modelNames.image_object_detection]);
  assert.deepEqual(runnableModels({ layers_to_freeze: 8 }, 'image_object_detection'), ['yolov5']);
});

test('a Windows drive is no scheme', () => {
  assert.deepEqual(reasons(`validation_data: {path: 'C:\\data'}\n${runnable}`), []);
});
