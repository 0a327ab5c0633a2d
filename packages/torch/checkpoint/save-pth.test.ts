import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as nn from '../nn/index.ts';
import { type DType, Tensor } from '../tensor.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { loadPth, loadStateDict } from './pth.ts';
import { type PthValue, savePth } from './save-pth.ts';

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-save-pth-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'model.pt');
}

const floats = (values: number[], shape = [values.length]) =>
  Tensor.fromBytes(new Uint8Array(new Float32Array(values).buffer), 'float32', shape);

const DTYPES: DType[] = [
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

/** Tensors as `[dtype, shape, values]`, so that whole trees can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Tensor) return [value.dtype, value.shape, value.toArray()];
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

const shared = floats([1.5, -2]);
const everything: { [key: string]: PthValue } = {
  none: null,
  yes: true,
  no: false,
  numbers: [0, 255, 256, 65535, 65536, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2 ** 40), 2 ** 53 - 1],
  floats: [0.1, -0, 1e300, Number.POSITIVE_INFINITY],
  big: [2n ** 63n, -(2n ** 63n), 10n ** 40n],
  text: ['', 'résnet', '🐝', "'); import os #\n\\\u0000"],
  nested: { list: [[], [1, [2]]], dict: {} },
  state_dict: new Map<string, PthValue>([
    ['weight', floats([1, 2, 3, 4, 5, 6], [2, 3])],
    ['transposed', floats([1, 2, 3, 4, 5, 6], [2, 3]).transpose(0, 1)],
    ['scalar', floats([7], [])],
    ['no_elements', floats([], [0, 3])],
    ['shared', shared],
    ['shared_again', shared],
    ...DTYPES.map((dtype): [string, Tensor] => [dtype, floats([0, 1, 1]).to({ dtype })]),
  ]),
};

test('everything that is written is read back', async (t) => {
  const path = temporary(t);
  await savePth(path, everything);
  const read = (await loadPth(path)) as Map<string, Map<string, Tensor>>;
  // What fits into a number is read as one.
  assert.deepEqual(plain(read), plain(everything));
  const weights = read.get('state_dict');
  assert.equal(weights?.get('shared'), weights?.get('shared_again'), 'the same tensor is stored once');
  assert.deepEqual(readdirSync(join(path, '..')), ['model.pt'], 'nothing temporary stays');
});

test('a module goes through the file, whatever stands beside its weights', async (t) => {
  const path = temporary(t);
  const make = () => new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.BatchNorm2d(4), new nn.Flatten());
  const model = make();
  await savePth(path, {
    mean: floats([0.5]),
    model: { depth: 3 },
    state_dict: model.stateDict(),
    labels: ['ant', 'bee'],
  });
  const other = make();
  other.loadStateDict(await loadStateDict(path));
  assert.deepEqual(plain(other.stateDict()), plain(model.stateDict()));
});

test('the same values give the same bytes', async (t) => {
  const path = temporary(t);
  await savePth(path, everything);
  const first = readFileSync(path);
  await savePth(path, everything);
  assert.deepEqual(readFileSync(path), first);
});

test('a value that Python has no form for is named, and nothing is written', async (t) => {
  const path = temporary(t);
  writeFileSync(path, 'old');
  const cyclic: PthValue[] = [];
  cyclic.push(cyclic);
  for (const [value, message] of [
    [{ settings: { rates: [1, undefined] } }, /^settings\.rates\[1\] is undefined, which has no form in Python/],
    [{ when: new Date() }, /when is a Date/],
    [() => 1, /the value is function/],
    [new Map([[1, 2]]), /the value has a key that is not a string/],
    [cyclic, /is nested more than 200 levels deep/],
  ] as [PthValue, RegExp][]) {
    await assert.rejects(savePth(path, value), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(readFileSync(path, 'utf8'), 'old');
  await assert.rejects(
    savePth(join(path, 'model.pt'), {}),
    (error) => error instanceof CheckpointError && error.code === 'unwritable',
  );
});

/** A Python that has torch; Debian's python3 is not always the first on the PATH. */
const python = ['python3', '/usr/bin/python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import torch']).status === 0,
);

test('torch.load gives the same with weights_only', { skip: python ? false : 'no python3 with torch' }, async (t) => {
  const path = temporary(t);
  // PyTorch 1.13 reads no float with weights_only.
  const { floats: fractions, ...readable } = everything;
  await savePth(path, readable);
  await savePth(`${path}.floats`, fractions);
  const program = `
import json, sys, zipfile, collections, torch
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
read = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
weights = read.pop("state_dict")
assert type(weights) is collections.OrderedDict and type(read["nested"]) is dict
assert weights["shared"].data_ptr() == weights["shared_again"].data_ptr()
assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in weights.values())
model = torch.nn.Linear(3, 2, bias=False)
model.load_state_dict({"weight": weights["weight"]})
read["numbers"] = [[type(n).__name__, str(n)] for n in read["numbers"] + torch.load(sys.argv[1] + ".floats") + read["big"]]
print(json.dumps([read, {k: [str(v.dtype), list(v.shape), v.tolist()] for k, v in weights.items()}]))`;
  const run = spawnSync(python as string, ['-c', program, path], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const [rest, weights] = JSON.parse(run.stdout.replaceAll('Infinity', 'null'));
  assert.deepEqual(rest.text, everything.text);
  assert.deepEqual(rest.nested, { list: [[], [1, [2]]], dict: {} });
  assert.deepEqual([rest.none, rest.yes, rest.no], [null, true, false]);
  assert.deepEqual(rest.numbers, [
    ...(everything.numbers as number[]).map((n) => ['int', String(n)]),
    ...[
      ['float', '0.1'],
      ['float', '-0.0'],
      ['float', '1e+300'],
      ['float', 'inf'],
    ],
    ...(everything.big as bigint[]).map((n) => ['int', String(n)]),
  ]);
  assert.deepEqual(weights.transposed, [
    'torch.float32',
    [3, 2],
    [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
  ]);
  assert.deepEqual(weights.scalar, ['torch.float32', [], 7]);
  assert.deepEqual(weights.no_elements, ['torch.float32', [0, 3], []]);
  for (const dtype of DTYPES) {
    const values = dtype === 'bool' ? [false, true, true] : [0, 1, 1];
    assert.deepEqual(weights[dtype], [`torch.${dtype}`, [3], values]);
  }
});
