import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemas } from '@fovea/torch';
import { parseSchema } from './schema.ts';

test('defaults, aliases and writes are read from a schema', () => {
  const pool = parseSchema(
    'aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=[1, 1], bool ceil_mode=False) -> Tensor',
  );
  assert.deepEqual(
    pool.parameters.map((p) => [p.name, p.default]),
    [
      ['self', undefined],
      ['kernel_size', undefined],
      ['stride', []],
      ['padding', 0],
      ['dilation', [1, 1]],
      ['ceil_mode', false],
    ],
  );
  assert.deepEqual(parseSchema('aten::relu_(Tensor(a!) self) -> Tensor(a!)').parameters, [
    { name: 'self', default: undefined, alias: 'a', mutated: true },
  ]);
  assert.deepEqual(parseSchema('aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]').returns, [
    'a',
  ]);
  assert.equal(
    parseSchema('aten::gelu(Tensor self, *, str approximate="none") -> Tensor').parameters[1].default,
    'none',
  );
  assert.deepEqual(parseSchema('aten::max.dim(Tensor self, int dim) -> (Tensor values, Tensor indices)').returns, [
    null,
    null,
  ]);
});

test('the schema of every tensor operator can be read', () => {
  const tensorOperators = schemas().filter((schema) => /^(aten|torchvision)::/.test(schema));
  assert.ok(tensorOperators.length > 1000);
  for (const schema of tensorOperators) assert.doesNotThrow(() => parseSchema(schema), schema);
});
