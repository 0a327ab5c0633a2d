import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import { z } from 'zod';
import { jobMode, jobSchema } from './job.ts';
import { parseJob } from './parse.ts';
import { tasks } from './tasks.ts';

const head = `type: automl
task: image_classification
target_column_name: label
training_data: {path: data, type: mltable}
`;

/** What the report says about a job: line, column and text of each problem. */
function problems(text: string, set: string[] = []): string[] {
  const { issues } = parseJob(text, { file: 'job.yml', set });
  return issues.map(({ severity, file, line, column, message, hint }) => {
    const place = file === 'job.yml' ? `${line ?? '-'}:${column ?? '-'}` : file;
    return `${place} ${severity === 'warning' ? 'warning: ' : ''}${message}${hint === undefined ? '' : `; ${hint}`}`;
  });
}

/** Problems of lines added to a job that has none. */
const problemsOf = (lines: string) =>
  problems(head + lines).map((line) => line.replace(/^(\d+)/, (n) => String(Number(n) - 4)));

function jobOf(lines: string, set: string[] = []) {
  const { job, issues } = parseJob(head + lines, { file: 'job.yml', set });
  assert.ok(job, formatIssues(issues));
  return job;
}

test('the report shows each problem at its place, with what would be right', () => {
  const text = `type: automl
task: image_classification
target_column_name: label
training_data:
  path: data
limits:
  max_trails: 10
sweep:
  sampling_algorithm: random
search_space:
  - model_name: resnet18
    learning_rate: {type: uniform, min_value: 0.1, max_value: 0.001}
`;
  const { job, issues } = parseJob(text, { file: 'job.yml' });
  assert.equal(job, null);
  assert.equal(
    formatIssues(issues, { sources: new Map([['job.yml', text]]) }),
    `job.yml has 2 problems

   7 │   max_trails: 10
     │   ^^^^^^^^^^ unknown key in limits; did you mean max_trials?
  12 │     learning_rate: {type: uniform, min_value: 0.1, max_value: 0.001}
     │                                    ^^^^^^^^^ min_value is greater than max_value (0.001, line 12)`,
  );
});

test('an issue is data: code, place and path', () => {
  const { issues } = parseJob(`${head}limits: {max_trails: 10}\n`, { file: 'job.yml' });
  assert.deepEqual(issues, [
    {
      code: 'unknown-key',
      severity: 'error',
      file: 'job.yml',
      line: 5,
      column: 10,
      length: 10,
      path: ['limits', 'max_trails'],
      message: 'unknown key in limits',
      hint: 'did you mean max_trials?',
    },
  ]);
});

test('what a job needs and does not have', () => {
  assert.deepEqual(problems('display_name: x\n'), [
    '-:- type is missing; it must be automl',
    '-:- task is missing; it must be image_classification, image_classification_multilabel, image_object_detection or image_instance_segmentation',
    '-:- target_column_name is missing',
    '-:- training_data is missing; it must be a map with path and type: mltable',
  ]);
});

const wrong: [name: string, lines: string, ...report: string[]][] = [
  ['key without a value', 'limits:\n', '1:1 limits has no value; give it one, or take the key out'],
  ['key of another section', 'max_trials: 3\n', '1:1 unknown key; it belongs under limits'],
  [
    'hyperparameter outside its section',
    'learning_rate: 0.1\n',
    '1:1 unknown key; it belongs under training_parameters',
  ],
  ['number out of range', 'limits: {max_trials: 0}\n', '1:22 max_trials must be a whole number from 1 to 1000, not 0'],
  [
    'no number at all',
    'validation_data_size: .nan\n',
    '1:23 validation_data_size must be a number above 0 and below 1, not NaN',
  ],
  [
    'fraction for a whole number',
    'limits: {max_trials: 2.5}\n',
    '1:22 max_trials must be a whole number from 1 to 1000, not 2.5',
  ],
  [
    'sixty days',
    'limits: {timeout_minutes: 86401}\n',
    '1:27 timeout_minutes must be a whole number from 1 to 86400, not 86401',
  ],
  [
    'open interval',
    'validation_data_size: 1.0\n',
    '1:23 validation_data_size must be a number above 0 and below 1, not 1',
  ],
  [
    'number for text',
    'experiment_name: 2024\n',
    '1:18 experiment_name must be text, not 2024; put it in quotes: "2024"',
  ],
  ['metric of another task', 'primary_metric: iou\n', '1:17 primary_metric must be accuracy, not "iou"'],
  [
    'name that can be no folder',
    'name: ../up\n',
    '1:7 name must be up to 255 letters, digits, - and _, the first of them a letter or a digit, not "../up"',
  ],
  ['value for a map', 'limits: 3\n', '1:9 limits must be a map of keys, not 3'],
  [
    'data as a bare path',
    'validation_data: ./v\n',
    '1:18 validation_data must be a map with path and type: mltable, not "./v"',
  ],
  [
    'data bound as in a pipeline',
    `validation_data: \${{parent.inputs.x}}\n`,
    '1:18 validation_data can only be bound to an input inside a pipeline',
  ],
  ['other output', 'outputs: {best_model: {type: onnx}}\n', '1:30 type must be mlflow_model, not "onnx"'],
  [
    'word near another',
    'log_verbosity: debgu\n',
    '1:16 log_verbosity must be not_set, debug, info, warning, error or critical, not "debgu"; did you mean debug?',
  ],
  [
    'choice of no list',
    'sweep: {sampling_algorithm: random}\nsearch_space: [{model_name: {type: choice, values: resnet18}}]\n',
    '2:52 values must be a list, not "resnet18"',
  ],
  ['tag that is no text', 'tags: {model_name: [1]}\n', '1:8 model_name must be text, not a list'],
  [
    'misspelt model',
    'training_parameters: {model_name: resnet81}\n',
    '1:35 unknown model "resnet81"; did you mean resnet18?',
  ],
  [
    'model of another task',
    'training_parameters: {model_name: yolov5}\n',
    '1:35 unknown model "yolov5"; image_classification has mobilenetv2, resnet18, resnet34, resnet50, resnet101, resnet152, resnest50, resnest101, seresnext, vits16r224, vitb16r224, vitl16r224, resnext50_32x4d',
  ],
  [
    'v1 name',
    'training_parameters: {lr_scheduler: step}\n',
    '1:23 unknown hyperparameter; it is called learning_rate_scheduler here',
  ],
  [
    'REST name',
    'training_parameters: {stepLRGamma: 0.1}\n',
    '1:23 unknown hyperparameter; it is called step_lr_gamma here',
  ],
  [
    'hyperparameter of another task',
    'training_parameters: {min_size: 600}\n',
    '1:23 min_size is a hyperparameter of image_object_detection or image_instance_segmentation, not of image_classification',
  ],
  [
    'word for a truth value',
    'training_parameters: {nesterov: maybe}\n',
    '1:33 nesterov must be true or false, not "maybe"',
  ],
  [
    'list for one value',
    'training_parameters: {momentum: [0.8, 0.9]}\n',
    '1:23 momentum must be a number from 0 to 1, not a list; values to try belong in search_space',
  ],
  [
    'broken JSON',
    `training_parameters: {advanced_settings: '{"a"'}\n`,
    `1:42 advanced_settings must be text that holds a JSON object, as '{"stream_image_files": true}', not "{\\"a\\""`,
  ],
  [
    'unknown flag',
    `training_parameters: {advanced_settings: '{"stream_image_file": true}'}\n`,
    '1:42 warning: unknown flag "stream_image_file" is ignored; did you mean stream_image_files?',
  ],
  [
    'nodes',
    'properties: {node_count_per_trial: "0"}\n',
    '1:36 node_count_per_trial must be a whole number, 1 or more, not "0"',
  ],
  [
    'sizes that a ViT can not have',
    'training_parameters: {training_crop_size: 256}\n',
    '1:43 vitb16r224 sees images of one size: training_crop_size 256 and validation_crop_size 224 must be equal; give training_crop_size and validation_crop_size the same value',
  ],
  [
    'sizes that seresnext can not have',
    'training_parameters: {model_name: seresnext, training_crop_size: 200}\n',
    '1:66 seresnext does not take a training_crop_size of 200; seresnext takes 224 or 256',
  ],
  [
    'sizes that patches do not fill',
    'training_parameters: {model_name: vits16r224, training_crop_size: 168, validation_crop_size: 168}\n',
    '1:67 vits16r224 does not take a training_crop_size of 168; vits16r224 takes multiples of 16',
    '1:94 vits16r224 does not take a validation_crop_size of 168; vits16r224 takes multiples of 16',
  ],
  [
    'more layers than there are',
    'training_parameters: {model_name: resnet18, layers_to_freeze: 6}\n',
    '1:63 layers_to_freeze is 6, but resnet18 has 5 groups of layers; each group is counted from the input on; 0 freezes none',
  ],
  [
    'crop larger than the picture',
    'training_parameters: {model_name: resnet18, validation_crop_size: 300}\n',
    '1:67 validation_crop_size 300 is larger than validation_resize_size 256, from which it is cut; validation_resize_size must be at least validation_crop_size; they are 256 and 224 when left out',
  ],
  [
    'half a checkpoint',
    'training_parameters: {checkpoint_filename: model.pt}\n',
    '1:44 checkpoint_filename is given without checkpoint_dataset_id; the two name a checkpoint together',
  ],
  [
    'two ways to validate',
    'validation_data: {path: v}\nvalidation_data_size: 0.3\n',
    '2:1 warning: validation_data_size is not used: validation_data is given',
  ],
  [
    'space without sweep',
    'search_space: [{learning_rate: 0.1}]\n',
    '1:1 search_space is given without sweep; add sweep: {sampling_algorithm: random}, or grid, or bayesian',
  ],
  [
    'sweep without space',
    'sweep: {sampling_algorithm: grid}\n',
    '1:1 sweep is given without a search_space; add a search_space; or take sweep out, and the job is a single trial, or AutoMode with limits.max_trials above 1',
  ],
];

for (const [name, lines, ...report] of wrong) {
  test(`refused or remarked: ${name}`, () => assert.deepEqual(problemsOf(lines), report));
}

const sweepOf = (lines: string, algorithm = 'random') =>
  `sweep: {sampling_algorithm: ${algorithm}}\nsearch_space:\n  - model_name: resnet18\n${lines}`;

const wrongSpaces: [name: string, line: string, report: string][] = [
  ['unknown distribution', 'momentum: {type: unifrom}', '4:22 unknown distribution "unifrom"; did you mean uniform?'],
  ['unknown function', 'momentum: unifrom(0, 1)', '4:15 unknown distribution "unifrom"; did you mean uniform?'],
  ['wrong number of arguments', 'momentum: uniform(0.1)', '4:15 uniform takes 2 values (min_value, max_value), not 1'],
  [
    'range for a truth value',
    'nesterov: uniform(0, 1)',
    '4:15 nesterov can not be drawn from uniform; it takes a fixed value or choice',
  ],
  [
    'continuous range for a whole number',
    'number_of_epochs: {type: uniform, min_value: 1, max_value: 5}',
    '4:30 number_of_epochs can not be drawn from uniform; it takes a fixed value or choice, randint, quniform, qloguniform, qnormal or qlognormal',
  ],
  ['step of a half', 'number_of_epochs: quniform(1, 5, 0.5)', '4:23 q must be a whole number, 1 or more, not 0.5'],
  [
    'choice out of range',
    'momentum: {type: choice, values: [0.5, 1.5]}',
    '4:44 momentum must be a number from 0 to 1, not 1.5',
  ],
  [
    'nothing to choose',
    'momentum: {type: choice, values: []}',
    '4:30 values must have at least one value, not an empty list',
  ],
  [
    'list instead of a choice',
    'momentum: [0.5, 0.9]',
    '4:5 momentum must be a number from 0 to 1, not a list; to try several values write {type: choice, values: [0.5,0.9]}',
  ],
  [
    'range outside of what there is',
    'momentum: {type: uniform, min_value: 0.5, max_value: 2}',
    '4:58 2 is too high: momentum must be a number from 0 to 1',
  ],
  [
    'range that starts too low',
    'number_of_epochs: quniform(0, 9, 1)',
    '4:23 0 is too low: number_of_epochs must be a whole number, 1 or more',
  ],
  [
    'values where exponents are due',
    'momentum: {type: loguniform, min_value: 0.1, max_value: 0.9}',
    '4:61 draws up to exp(0.9) = 2.46: momentum must be a number from 0 to 1; bounds of loguniform are exponents: for values from 0.1 to 0.9 write min_value: -2.303, max_value: -0.1054',
  ],
  [
    'randint too far',
    'weighted_loss: randint(4)',
    '4:20 draws up to 3, but weighted_loss must be a whole number from 0 to 2',
  ],
  [
    'other words for bounds',
    'momentum: {type: uniform, low: 0.5, max_value: 1}',
    '4:31 unknown key in search_space[0].momentum; did you mean min_value?',
  ],
  [
    'what can not be searched',
    'checkpoint_frequency: 2',
    '4:5 checkpoint_frequency can not be searched; give it in training_parameters',
  ],
  [
    'values of which some fit',
    'layers_to_freeze: {type: choice, values: [2, 9]}',
    '4:5 warning: some trials will fail: layers_to_freeze is 9, but resnet18 has 5 groups of layers; each group is counted from the input on; 0 freezes none',
  ],
];

for (const [name, line, report] of wrongSpaces) {
  test(`in a search space: ${name}`, () => assert.deepEqual(problemsOf(sweepOf(`    ${line}\n`)), [report]));
}

test('a ViT among the models of a sub-space makes unequal crops fail', () => {
  const space = (sizes: string) => `sweep: {sampling_algorithm: random}
search_space:
  - model_name: choice('vits16r224', 'resnet18')
    training_crop_size: ${sizes}
`;
  assert.match(
    problemsOf(space('256')).join(),
    /^4:25 warning: some trials will fail: vits16r224 sees images of one size/,
  );
  assert.deepEqual(problemsOf(space('224')), []);
  // Of a range only the ends are looked at: there may be a right size between them.
  assert.match(problemsOf(space('quniform(225, 250, 25)')).join(), /^4:25 warning: some trials will fail/);
});

test('AutoMode chooses among the models that take what the job fixes; none is an error', () => {
  const autoMode = (parameters: string) =>
    problems(`${head}limits: {max_trials: 5}\ntraining_parameters: {${parameters}}\n`);
  assert.deepEqual(autoMode('training_crop_size: 200'), []);
  assert.match(autoMode('layers_to_freeze: 40').join(), /^6:41 layers_to_freeze is 40, but mobilenetv2 has 19 groups/);
});

test('a hyperparameter that no model of the job has is remarked', () => {
  const text = head.replace('image_classification', 'image_object_detection');
  assert.deepEqual(problems(`${text}training_parameters: {model_name: retinanet_resnet50_fpn, image_size: 640}\n`), [
    '5:59 warning: image_size has no effect on retinanet_resnet50_fpn; it belongs to yolov5; the others have min_size and max_size',
  ]);
});

test('a detection job that measures nothing has one trial, which keeps its last weights', () => {
  const text = head.replace('image_classification', 'image_object_detection');
  const job = (more: string) => problems(`${text}${more}`);
  const none = 'training_parameters: {validation_metric_type: none}\n';
  assert.deepEqual(job(none), [
    '5:47 warning: nothing is measured: training lasts all epochs, and the weights of the last one are kept; voc measures as Azure does by default',
  ]);
  assert.deepEqual(job(`${none}limits: {max_trials: 3}\n`), [
    '5:47 validation_metric_type none measures nothing, so that 3 trials can not be compared; take voc, coco or coco_voc; or limits.max_trials: 1',
  ]);
  const choice = 'search_space: [{model_name: yolov5, validation_metric_type: {type: choice, values: [voc, none]}}]\n';
  const sweep = `limits: {max_trials: 2}\nsweep: {sampling_algorithm: random}\n${choice}`;
  assert.match(job(sweep).join(), /^7:\d+ validation_metric_type none measures nothing, so that 2 trials/);
});

test('a fixed value that the search space replaces is remarked', () => {
  assert.deepEqual(problemsOf(`training_parameters: {momentum: 0.5}\n${sweepOf('    momentum: choice(0.8, 0.9)\n')}`), [
    '1:23 warning: momentum is also in search_space[0], whose value is used there',
  ]);
});

test('where bayesian sampling takes more than Azure says, it is remarked', () => {
  const two = `${sweepOf('    momentum: normal(0.9, 0.1)\n', 'bayesian')}  - model_name: resnet34\n`;
  assert.deepEqual(problemsOf(two), [
    "4:15 warning: Azure's bayesian sampling takes choice, uniform and quniform; here it takes normal, too",
    "5:5 warning: Azure's bayesian sampling takes one map of parameters; here it takes several",
  ]);
});

test('sampling can be a map, as in generic sweep jobs', () => {
  const sampled = (map: string) => sweepOf('', map).replace(/ {2}- model_name.*/s, '  - {model_name: resnet18}\n');
  assert.deepEqual(jobOf(sampled('{type: random, rule: Sobol, seed: 7}')).sweep, {
    sampling_algorithm: { type: 'random', rule: 'sobol', seed: 7 },
  });
  assert.deepEqual(jobOf(sampled('{type: Grid}')).sweep, { sampling_algorithm: 'grid' });
  assert.deepEqual(problemsOf(sampled('{type: grid, rule: sobol, seed: 7}')), [
    '1:42 warning: rule has no effect on grid; it is a rule of random sampling',
    '1:55 warning: seed has no effect: a grid draws nothing',
  ]);
  assert.deepEqual(problemsOf(sampled('{type: randm, rule: halton, logbase: 2}')), [
    '1:36 type must be random, grid or bayesian, not "randm"; did you mean random?',
    '1:49 rule must be random or sobol, not "halton"',
    '1:57 unknown key in sweep.sampling_algorithm; there are type, rule, seed',
  ]);
  assert.deepEqual(problemsOf(sampled('{seed: 7}')), [
    '1:9 type is missing in sweep.sampling_algorithm; it must be random, grid or bayesian',
  ]);
  assert.deepEqual(problemsOf(sampled('[random]')), [
    '1:9 sampling_algorithm must be random, grid or bayesian, not a list',
  ]);
});

test('a bandit needs a slack, and uses one', () => {
  const policy = (slack: string) =>
    sweepOf('').replace('random}', `random, early_termination: {type: Bandit${slack}}}`);
  assert.deepEqual(problemsOf(policy('')), [
    '1:37 a bandit needs slack_factor or slack_amount; slack_factor is a share of the best trial, slack_amount a difference from it',
  ]);
  assert.deepEqual(problemsOf(policy(', slack_factor: 0.1, slack_amount: 0.2')), [
    '1:90 warning: slack_amount is not used: slack_factor is given too',
  ]);
  const { sweep } = jobOf(policy(', slack_factor: 0, slack_amount: 0.2, evaluation_interval: 0'));
  assert.deepEqual(sweep?.early_termination, {
    type: 'bandit',
    evaluation_interval: 1,
    delay_evaluation: 0,
    slack_amount: 0.2,
  });
});

test('one wrong thing does not hide another', () => {
  const report = problemsOf(`limits: {max_trials: many}
training_parameters: {momentum: 2, layers_to_freeze: 6, model_name: resnet18}
${sweepOf('    beta1: uniform(0.9, 0.1)\n    beta2: 7\n', 'gird')}`);
  assert.deepEqual(
    report.map((line) => line.split(' ')[0]),
    ['1:22', '2:33', '2:54', '2:57', '3:29', '6:12', '7:12'],
  );
});

test('a value that is wrong is not judged again as its default', () => {
  assert.equal(problemsOf('training_parameters: {model_name: resnet, layers_to_freeze: 13}\n').length, 1);
  assert.equal(
    problemsOf('training_parameters: {model_name: resnet18, validation_crop_size: 300, validation_resize_size: x}\n')
      .length,
    1,
  );
});

test('spellings that mean the same give the same job', () => {
  const plain = jobOf(
    sweepOf(
      '    learning_rate_scheduler: warmup_cosine\n    momentum: {type: quniform, min_value: 0, max_value: 1, q: 0.1}\n    nesterov: true\n',
      'grid',
    ).replace('grid', 'random'),
  );
  const fancy = jobOf(
    sweepOf(
      '    learning_rate_scheduler: WarmupCosine\n    momentum: {type: QUniform, min_value: "0", max_value: 1, q: 0.1}\n    nesterov: 1\n',
      'Random',
    ),
  );
  assert.deepEqual(fancy, plain);
});

test('a job without sweep is one trial, or AutoMode', () => {
  assert.equal(jobMode(jobOf('')), 'individual');
  assert.equal(jobMode(jobOf('limits: {max_trials: 2}\n')), 'automode');
  assert.equal(jobMode(jobOf(sweepOf(''))), 'sweep');
});

test('no more trials at once than trials', () => {
  assert.deepEqual(jobOf('limits: {max_trials: 2, max_concurrent_trials: 9}\n').limits, {
    max_trials: 2,
    max_concurrent_trials: 2,
    timeout_minutes: 10080,
  });
});

test('the experiment of a job that names none is the given one', () => {
  assert.equal(jobOf('').experiment_name, 'Default');
  assert.equal(parseJob(head, { file: 'job.yml', experimentName: 'here' }).job?.experiment_name, 'here');
});

test('parameters keep the order of the file', () => {
  const { search_space: space } = jobOf(sweepOf('    momentum: 0.5\n    learning_rate: 0.1\n    beta1: 0.5\n'));
  assert.deepEqual(Object.keys(space?.[0] ?? {}), ['model_name', 'momentum', 'learning_rate', 'beta1']);
});

test('advanced_settings is read as JSON, folded over lines as in the samples too', () => {
  const { training_parameters: parameters } = jobOf(
    'training_parameters:\n  advanced_settings: >\n    {"stream_image_files": true}\n',
  );
  assert.deepEqual(parameters, { advanced_settings: { stream_image_files: true } });
});

test('properties and tags are text, whatever YAML makes of them', () => {
  assert.deepEqual(jobOf('properties: {node_count_per_trial: 2}\ntags: {nightly: true}\n').properties, {
    node_count_per_trial: '2',
  });
});

test('a problem of a --set value is shown at the argument', () => {
  assert.deepEqual(problems(head, ['training_parameters.learning_rate=7', 'limits.max_trails=3']), [
    '--set training_parameters.learning_rate=7 learning_rate must be a number from 0 to 1, not 7',
    '--set limits.max_trails=3 unknown key in limits; did you mean max_trials?',
  ]);
});

test('a --set value replaces that of the file, and its problem', () => {
  assert.deepEqual(problems(`${head}limits: {max_trials: x}\n`, ['limits.max_trials=3']), []);
});

test('each task has a JSON Schema for editors', () => {
  for (const task of tasks) {
    const schema = z.toJSONSchema(jobSchema(task), { io: 'input' });
    const { required = [], properties = {} } = schema;
    assert.deepEqual(required.toSorted(), ['target_column_name', 'task', 'training_data', 'type']);
    assert.match(JSON.stringify(properties.training_parameters), /"number_of_epochs":\{[^}]*"minimum":1/);
  }
});
