import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import { parseJob } from './parse.ts';
import { resolveHyperparameters } from './resolve-hyperparameters.ts';
import { unsupportedReasons } from './unsupported.ts';

const parsed = (lines: string) =>
  parseJob(
    `type: automl\ntask: image_object_detection\ntarget_column_name: label\ntraining_data: {path: train.jsonl}\n${lines}\n`,
    { file: 'job.yml' },
  );
const grid = (value: string) => parsed(`training_parameters: {tile_grid_size: ${value}}`);

test('a grid is given in either spelling, and jobs with tiles run', () => {
  for (const value of ['3x2', '"3x2"', '"(3, 2)"', '"( 3,2 )"']) {
    const { job, source, issues } = grid(value);
    assert.ok(job, formatIssues(issues));
    assert.equal(job.training_parameters.tile_grid_size, '3x2', value);
    assert.deepEqual(
      unsupportedReasons(job, source).filter(({ message }) => message.includes('tile')),
      [],
    );
  }
  assert.equal(resolveHyperparameters('image_object_detection', 'yolov5', {}).tile_grid_size, null);
});

test('what is no grid is said with its place', () => {
  for (const [value, said] of [
    ['3', 'must be two numbers as in 3x2'],
    ['0x2', 'must be two numbers as in 3x2'],
    ['2x', 'must be two numbers as in 3x2'],
    ['"(3, 2, 1)"', 'must be two numbers as in 3x2'],
    ['1x1', 'must be more than one tile, as in 3x2: the image as a whole is looked at in any case'],
    ['100x100', 'must be at most 256 tiles, as in 3x2: each costs as much as an image'],
  ] as const) {
    const [issue, ...more] = grid(value).issues;
    assert.ok(issue.message.includes(`tile_grid_size ${said}`), `${value}: ${issue.message}`);
    assert.deepEqual([issue.line, more.length], [5, 0]);
  }
  const [overlap] = parsed('training_parameters: {tile_grid_size: 2x2, tile_overlap_ratio: 1.0}').issues;
  assert.match(overlap.message, /tile_overlap_ratio must be a number from 0 up to but not including 1/);
});

test('what says how tiles are without asking for them is said to have no effect', () => {
  const reasons = (lines: string) => {
    const { job, source, issues } = parsed(lines);
    assert.ok(job, formatIssues(issues));
    return unsupportedReasons(job, source).flatMap(({ message, line }) =>
      message.includes('tile') ? [`${line} ${message}`] : [],
    );
  };
  assert.deepEqual(reasons('training_parameters: {tile_overlap_ratio: 0.3, tile_predictions_nms_threshold: 0.3}'), [
    '5 tile_overlap_ratio has no effect without tiles',
    '5 tile_predictions_nms_threshold has no effect without tiles',
  ]);
  assert.deepEqual(reasons('training_parameters: {tile_overlap_ratio: 0.3, tile_grid_size: 3x2}'), []);
  const sweep = 'limits: {max_trials: 2}\nsweep: {sampling_algorithm: random}\n';
  const drawn = (fixed: string, values: string) =>
    reasons(`${sweep}training_parameters: {${fixed}}\nsearch_space: [{${values}}]`);
  const overlaps = 'tile_overlap_ratio: "uniform(0.1, 0.4)"';
  assert.deepEqual(drawn('', overlaps), ['8 tile_overlap_ratio has no effect without tiles']);
  assert.deepEqual(drawn('tile_grid_size: 3x2', overlaps), []);
  assert.deepEqual(drawn('tile_overlap_ratio: 0.1', 'tile_grid_size: "choice(3x2, 2x2)"'), []);
});

test('a sweep draws grids', () => {
  const sweep = (values: string) =>
    parsed(`limits: {max_trials: 2}
sweep: {sampling_algorithm: random}
search_space: [{model_name: yolov5, tile_grid_size: {type: choice, values: ${values}}, tile_overlap_ratio: "uniform(0.1, 0.4)"}]`);
  const { job, issues } = sweep('[2x1, "(3, 2)"]');
  assert.ok(job, formatIssues(issues));
  const drawn = resolveHyperparameters('image_object_detection', 'yolov5', { tile_grid_size: '(3, 2)' });
  assert.equal(drawn.tile_grid_size, '3x2');
  for (const choice of ['choice(2x1, 3x2)', "choice('2x1', '(3, 2)')"]) {
    const { job: other, issues } = parsed(`limits: {max_trials: 2}
sweep: {sampling_algorithm: random}
search_space: [{model_name: yolov5, tile_grid_size: "${choice}"}]`);
    assert.ok(other, formatIssues(issues));
    assert.deepEqual(other.search_space?.[0].tile_grid_size, { type: 'choice', values: ['2x1', '3x2'] });
  }
  const wrong = sweep('[2x1, 1x1]').issues.map(({ message }) => message);
  assert.match(wrong.join(), /must be more than one tile/);
});
