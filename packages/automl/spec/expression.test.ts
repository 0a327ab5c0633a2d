import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpression } from './expression.ts';

const expressions: [text: string, value: unknown][] = [
  ["choice('vitb16r224', 'vits16r224')", { type: 'choice', values: ['vitb16r224', 'vits16r224'] }],
  ['choice("a","b")', { type: 'choice', values: ['a', 'b'] }],
  ['choice(sgd, adam, adamw)', { type: 'choice', values: ['sgd', 'adam', 'adamw'] }],
  ['choice(600,800)', { type: 'choice', values: [600, 800] }],
  ['choice([600, 800])', { type: 'choice', values: [600, 800] }],
  ['choice(True,False)', { type: 'choice', values: [true, false] }],
  ["choice('3x2')", { type: 'choice', values: ['3x2'] }],
  ["choice('(3, 2)', '4x4')", { type: 'choice', values: ['(3, 2)', '4x4'] }],
  ['choice()', { type: 'choice', values: [] }],
  ['uniform(0.001, 0.01)', { type: 'uniform', min_value: 0.001, max_value: 0.01 }],
  ['uniform(0.0001, 0.001,)', { type: 'uniform', min_value: 0.0001, max_value: 0.001 }],
  ['  Uniform ( 1e-4 , .5 ', { type: 'uniform', min_value: 1e-4, max_value: 0.5 }],
  ['QUniform(1, 9, 2)', { type: 'quniform', min_value: 1, max_value: 9, q: 2 }],
  ['loguniform(-6,-1)', { type: 'loguniform', min_value: -6, max_value: -1 }],
  ['qlognormal(0, 1, 0.5)', { type: 'qlognormal', mu: 0, sigma: 1, q: 0.5 }],
  ['normal(0.9, 0.1)', { type: 'normal', mu: 0.9, sigma: 0.1 }],
  ['randint(5)', { type: 'randint', upper: 5 }],
  ['triangle(1, 2)', { type: 'triangle' }],
];
for (const [text, value] of expressions) {
  test(`${text} is a distribution`, () => assert.deepEqual(parseExpression(text), { kind: 'distribution', value }));
}

const scalars: [text: string, value: unknown][] = [
  ['15', 15],
  ['0.001', 0.001],
  ['True', true],
  ['yolov5', 'yolov5'],
  ["'sgd'", 'sgd'],
  ['', ''],
];
for (const [text, value] of scalars) {
  test(`${JSON.stringify(text)} is a fixed value`, () =>
    assert.deepEqual(parseExpression(text), { kind: 'scalar', value }));
}

test('a wrong number of arguments is said', () => {
  assert.deepEqual(parseExpression('quniform(1, 2)'), {
    kind: 'wrong',
    message: 'quniform takes 3 values (min_value, max_value, q), not 2',
  });
});
