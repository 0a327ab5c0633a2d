import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobFile } from '../spec/job-file.ts';
import { applySets } from './set.ts';
import { readYamlSource } from './yaml-source.ts';

const yaml =
  'limits: {max_trials: 1}\ntags: {a.b: x}\nsearch_space:\n  - {model_name: resnet18}\n  - {model_name: resnet34}\n';

function set(...args: string[]) {
  const { value, source } = readYamlSource(yaml, 'job.yml', jobFile);
  assert.ok(value);
  const issues = applySets(value, source, args, jobFile);
  return {
    value,
    issues: issues.map(({ file, message, hint }) => `${file}: ${message}${hint === undefined ? '' : `; ${hint}`}`),
  };
}

test('values are JSON where they can be, words of Python, else text', () => {
  const { value, issues } = set(
    'n=3',
    'f=1e-3',
    't=true',
    'p=True',
    'q=False',
    'l=[1, "a"]',
    'm={"a": {"b": 1}}',
    's=plain words',
    'quoted="3"',
    'empty=',
    'e=a=b',
  );
  assert.deepEqual(issues, []);
  const { limits, tags, search_space, ...given } = value;
  assert.deepEqual(given, {
    n: 3,
    f: 0.001,
    t: true,
    p: true,
    q: false,
    l: [1, 'a'],
    m: { a: { b: 1 } },
    s: 'plain words',
    quoted: '3',
    empty: '',
    e: 'a=b',
  });
});

test('as text when that is asked for', () => {
  const { value, source } = readYamlSource('a: 1\n', 'job.yml', jobFile);
  assert.ok(value);
  applySets(value, source, ['b=3'], jobFile, { forceString: true });
  assert.equal(value.b, '3');
});

test('paths: missing maps are made, list elements have an index, quoted keys may hold dots', () => {
  const { value, issues } = set(
    'training_parameters.learning_rate=0.1',
    'search_space[0].momentum=0.5',
    'search_space.1.model_name=resnet50',
    'tags."a.b"=y',
  );
  assert.deepEqual(issues, []);
  assert.deepEqual(value.training_parameters, { learning_rate: 0.1 });
  assert.deepEqual(value.search_space, [{ model_name: 'resnet18', momentum: 0.5 }, { model_name: 'resnet50' }]);
  assert.deepEqual(value.tags, { 'a.b': 'y' });
});

test('null takes a key out', () => {
  const { value } = set('limits=null', 'tags=None');
  assert.deepEqual(Object.keys(value), ['search_space']);
});

test('the last of several counts', () => {
  assert.deepEqual(set('limits.max_trials=2', 'limits.max_trials=3').value.limits, { max_trials: 3 });
});

test('what can not be set is said, and the others are set', () => {
  const { value, issues } = set(
    'novalue',
    '=3',
    'a..b=1',
    'limits.max_trials.deep=1',
    'search_space[2].x=1',
    'search_space.model_name=x',
    'limits[0]=1',
    '__proto__.polluted=1',
    'fine=1',
  );
  const form = 'must be path.to.key=value; as in --set limits.max_trials=4';
  assert.deepEqual(issues, [
    `--set novalue: ${form}`,
    `--set =3: ${form}`,
    `--set a..b=1: ${form}`,
    '--set limits.max_trials.deep=1: limits.max_trials is 1, which has no keys to set',
    '--set search_space[2].x=1: search_space is a list of 2, it has no element 2',
    '--set search_space.model_name=x: search_space is a list of 2, it has no key model_name; name one of its elements: search_space[0].model_name',
    '--set limits[0]=1: limits is a map, it has no element 0',
    '--set __proto__.polluted=1: the job is a map, it has no element __proto__',
  ]);
  assert.equal(value.fine, 1);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('the flags of advanced_settings stay the text that they are in a job', () => {
  const flags = '{"apply_mosaic_for_yolo": false}';
  const { value } = set(`training_parameters.advanced_settings=${flags}`);
  assert.deepEqual(value.training_parameters, { advanced_settings: flags });
});
