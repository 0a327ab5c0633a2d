import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Tensor } from '../tensor.ts';
import { CheckpointError, type CheckpointErrorCode } from './checkpoint-error.ts';
import { loadPth, loadStateDict } from './pth.ts';
import { writeSafetensors } from './safetensors.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-pth-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'a.pth');
}

/** Tensors as `[dtype, nested values]`, so that whole trees can be compared. */
function plain(value: unknown): unknown {
  if (value instanceof Tensor) return [value.dtype, value.toArray()];
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

const base = [
  [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 10, 11],
  ],
  [
    [12, 13, 14, 15],
    [16, 17, 18, 19],
    [20, 21, 22, 23],
  ],
];
const EVERYTHING = new Map<string, unknown>(
  Object.entries({
    epoch: 7,
    big: 2n ** 60n,
    loss: 0.125,
    none: null,
    yes: true,
    name: 'résnet',
    bytes: new Uint8Array([97, 98, 255]),
    empty_bytes: new Uint8Array(0),
    list: [1, [2, 3], new Map([['deep', [4]]])],
    set: new Set([5]),
    int_keys: new Map([
      [0, 'zero'],
      [1, 'one'],
    ]),
    ordered: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    size: [2, 3, 4],
    dtype: 'torch.float32',
    device: 'cuda:1',
    numpy: [3.5, 0.25, -9, true],
    float32: ['float32', [1.5, -2]],
    float64: ['float64', [1.5, -2]],
    float16: ['float16', [1.5, -2]],
    bfloat16: ['bfloat16', [1.5, -2]],
    int64: ['int64', [1, -(2 ** 40)]],
    int32: ['int32', [1, -2]],
    int16: ['int16', [1, -2]],
    int8: ['int8', [1, -2]],
    uint8: ['uint8', [1, 254]],
    bool: ['bool', [1, 0]],
    scalar: ['int64', 42],
    no_elements: ['float32', []],
    parameter: ['float32', [0.5]],
    shared: ['float32', base],
    transposed: ['float32', [0, 1, 2, 3].map((k) => [0, 1, 2].map((j) => [0, 1].map((i) => base[i][j][k])))],
    sliced: ['float32', base[1].map((row) => row.slice(1, 3))],
    channels_last: ['float32', [base]],
    expanded: [
      'float32',
      [
        [1, 1, 1],
        [2, 2, 2],
      ],
    ],
    shared_again: ['float32', base],
  }),
);

for (const [name, form] of [
  ['everything.pth', 'the zip form'],
  ['everything_legacy.pth', 'the form from before PyTorch 1.6'],
  ['everything_protocol5.pth', 'pickle protocol 5'],
]) {
  test(`${form} reads every type, layout and container as Python had it`, async () => {
    const read = (await loadPth(fixture(name))) as Map<string, unknown>;
    assert.deepEqual(plain(read), EVERYTHING);
    assert.equal(read.get('shared'), read.get('shared_again'), 'the same memory comes as the same tensor');
    assert.deepEqual((read.get('no_elements') as Tensor).shape, [0, 3]);
    assert.equal((read.get('parameter') as Tensor).requiresGrad, false);
  });
}

const NAMES = ['0.weight', '0.bias', '1.weight', '1.bias', '1.running_mean', '1.running_var', '1.num_batches_tracked'];

test('the weights are found in a state dict, and within a training checkpoint with its "module." prefixes', async () => {
  const bare = await loadStateDict(fixture('state_dict.pth'));
  const wrapped = await loadStateDict(fixture('training.pth'));
  assert.deepEqual([...bare.keys()], NAMES);
  assert.deepEqual(plain(wrapped), plain(bare));
  assert.deepEqual(bare.get('1.num_batches_tracked')?.toArray(), 1);
});

test('a training checkpoint keeps its optimiser for those who ask', async () => {
  const checkpoint = (await loadPth(fixture('training.pth'))) as Map<
    string,
    Map<string, Map<number, Map<string, Tensor>>>
  >;
  assert.deepEqual(checkpoint.get('optimizer')?.get('state')?.get(0)?.get('momentum_buffer')?.shape, [2, 1, 1, 1]);
});

const CONV = ['conv.weight', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var', 'bn.num_batches_tracked'];

for (const [name, form] of [
  ['training_module.pth', 'the zip form'],
  ['training_module_legacy.pth', 'the form from before PyTorch 1.6'],
]) {
  test(`the weights of a module that was pickled whole are those of its state dict, in ${form}`, async () => {
    const weights = await loadStateDict(fixture(name));
    assert.deepEqual(
      [...weights.keys()],
      [
        'anchors',
        ...CONV.map((key) => `model.0.${key}`),
        'model.1.0.weight',
        'model.1.0.bias',
        ...CONV.map((key) => `again.${key}`),
      ],
    );
    assert.deepEqual(plain(weights.get('model.0.bn.weight')), ['float16', [0.5, 1.5]]);
    assert.deepEqual(plain(weights.get('anchors')), ['float16', [[1.25, 1.625]]]);
    assert.equal(weights.get('again.conv.weight'), weights.get('model.0.conv.weight'));
  });
}

test('a module alone, saved whole, has its weights too', async () => {
  assert.deepEqual([...(await loadStateDict(fixture('whole_module.pth'))).keys()], NAMES);
});

test('arrays of numpy are tensors', async () => {
  assert.deepEqual(
    plain(await loadPth(fixture('arrays.pth'))),
    new Map([
      [
        'best',
        [
          'float64',
          [
            [0.5, 2],
            [3, 4],
          ],
        ],
      ],
      ['order', ['int64', [2, 1]]],
    ]),
  );
});

test('a module that contains itself, or many times itself, ends in an error', async (t) => {
  const path = temporary(t);
  const module = (index: string, modules: string) =>
    `c__main__\nM\n)\x81q${index}}(U\x0b_parameters}U\x08_buffers}U\x08_modules}${modules}ub`;
  const written = (object: string) => writeFileSync(path, legacyFile(Buffer.from(object, 'latin1'), false));
  written(module('\x00', 'U\x01ah\x00s'));
  await assert.rejects(loadStateDict(path), /holds modules within modules without end/);
  const twice = (index: number) => {
    const before = String.fromCharCode(index - 1);
    return module(String.fromCharCode(index), `U\x01ah${before}sU\x01bh${before}s`);
  };
  const levels = Array.from({ length: 60 }, (_, index) => `${twice(index + 1)}0`).join('');
  written(`${module('\x00', '')}0${levels}h\x3c`);
  await assert.rejects(loadStateDict(path), /holds modules within modules without end/);
});

test('weights may come as safetensors under any file name', async (t) => {
  const path = temporary(t);
  const weights = await loadStateDict(fixture('state_dict.pth'));
  await writeSafetensors(path, new Map([...weights].map(([name, tensor]) => [`_orig_mod.module.${name}`, tensor])));
  assert.deepEqual(plain(await loadStateDict(path)), plain(weights));
});

test('tensors that PyTorch 2 saves in other ways are tensors all the same', async () => {
  assert.deepEqual(plain(await loadPth(fixture('attributed.pth'))), new Map([['weight', ['float32', [0.5]]]]));
  assert.deepEqual(plain(await loadPth(fixture('byteorder_little.pth'))), new Map([['weight', ['float32', [1, 1]]]]));
});

async function refuses(
  path: string,
  code: CheckpointErrorCode,
  message: RegExp,
  loads: ((path: string) => Promise<unknown>)[] = [loadPth, loadStateDict],
): Promise<void> {
  for (const load of loads) {
    await assert.rejects(load(path), (error) => {
      assert.ok(error instanceof CheckpointError, String(error));
      assert.match(error.message, message);
      assert.equal(error.code, code);
      return true;
    });
  }
}

test('code in a checkpoint is refused by name and never runs', async () => {
  await refuses(
    fixture('hostile.pth'),
    'refused',
    /hostile\.pth: needs the Python object posix\.system.*never runs here.*convert it once/,
  );
  await refuses(fixture('arguments.pth'), 'refused', /needs the Python object argparse\.Namespace/);
  await refuses(fixture('function.pth'), 'refused', /needs the Python object torch\.nn\.functional\.silu/);
  await refuses(fixture('whole_module.pth'), 'refused', /torch\.nn\.modules\.container\.Sequential/, [loadPth]);
  assert.ok(!existsSync('owned.txt') && !existsSync(fixture('owned.txt')));
});

test('what is not a checkpoint of dense little-endian tensors is called by its name', async (t) => {
  await refuses(fixture('quantised.pth'), 'unsupported', /holds a quantised tensor/);
  await refuses(fixture('torchscript.pt'), 'unsupported', /is a TorchScript program.*torch\.jit\.load/);
  await refuses(fixture('byteorder_big.pth'), 'unsupported', /byte order "big"; little is read/);
  await refuses(fixture('compressed.pth'), 'unsupported', /entry "archive\/data\.pkl" is compressed/);
  const path = temporary(t);
  const content = (bytes: string | Buffer) => writeFileSync(path, bytes);
  content('');
  await refuses(path, 'truncated', /is empty/);
  content('<!DOCTYPE html><html>404</html>');
  await refuses(path, 'unsupported', /is a web page, not a checkpoint/);
  content('version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
  await refuses(path, 'unsupported', /Git LFS pointer.*git lfs pull/);
  content(Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(250)]));
  await refuses(path, 'unsupported', /tar archive: a checkpoint of PyTorch 0\.1/);
  content('just text');
  await refuses(path, 'unsupported', /is not a torch\.save file/);
  content(Buffer.from('\x80\x02K\x01.', 'latin1'));
  await refuses(path, 'unsupported', /is a plain pickle/);
  content(Buffer.from('504b0506000000000000000000000000000000000000', 'hex'));
  await refuses(path, 'unsupported', /is not a torch\.save file/);
});

test('a checkpoint without weights says what it holds', async (t) => {
  const path = temporary(t);
  // Same length, another name: the dict's keys become unknown ones.
  const bytes = readFileSync(fixture('training.pth')).toString('latin1').replaceAll('state_dict', 'state_dyct');
  writeFileSync(path, bytes, 'latin1');
  await assert.rejects(
    loadStateDict(path),
    /expected a dict of tensors, or one under state_dict_ema, .*; found a dict with the keys "epoch", "optimizer", "state_dyct"/,
  );
});

test('a file cut anywhere is an error, never less weights', async (t) => {
  const path = temporary(t);
  for (const name of ['state_dict.pth', 'everything_legacy.pth']) {
    const whole = readFileSync(fixture(name));
    for (let length = 0; length < whole.length; length += 37) {
      writeFileSync(path, whole.subarray(0, length));
      await assert.rejects(loadPth(path), CheckpointError);
    }
    writeFileSync(path, whole.subarray(0, whole.length - 1));
    await refuses(
      path,
      'truncated',
      /the directory at the end is missing|is cut short: expected at least [\d,]+ bytes, found [\d,]+ bytes/,
    );
  }
});

/** The fixture with one piece of its pickle replaced by another of the same length. */
function altered(t: TestContext, name: string, from: string, to: string): string {
  assert.equal(from.length, to.length);
  const bytes = readFileSync(fixture(name)).toString('latin1');
  assert.ok(bytes.includes(from), 'the fixture has the piece');
  const path = temporary(t);
  writeFileSync(path, bytes.replace(from, to), 'latin1');
  return path;
}

test('a tensor that reaches out of its storage is refused with its name', async (t) => {
  // (2, 1, 1, 1) → (9, 1, 1, 1)
  const path = altered(t, 'state_dict.pth', '(K\x02K\x01K\x01K\x01tq', '(K\x09K\x01K\x01K\x01tq');
  await refuses(
    path,
    'invalid',
    /tensor "0\.weight": of shape \[9, 1, 1, 1\] reaches element 8 of a storage \("0"\) of 2 elements/,
  );
});

test('a storage that says more than its entry holds is refused', async (t) => {
  const path = altered(t, 'byteorder_little.pth', 'cpuq\x06K\x02tq', 'cpuq\x06K\x63tq');
  await refuses(path, 'invalid', /storage "0" is too short: expected 396 bytes, found 8 bytes/);
});

test('a small file cannot ask for endless memory by repeating elements', async (t) => {
  // expand(2, 3) becomes 65,535 × 65,535 times the same element.
  const path = altered(
    t,
    'everything.pth',
    'K\x02K\x03\x86q\xf3K\x01K\x00\x86',
    'M\xff\xffM\xff\xff\x86K\x00K\x00\x86',
  );
  await refuses(path, 'unsupported', /repeats elements/);
});

test('any change of any byte ends in tensors or a CheckpointError', { timeout: 120_000 }, async (t) => {
  const path = temporary(t);
  for (const name of ['everything.pth', 'everything_legacy.pth', 'training.pth']) {
    const whole = readFileSync(fixture(name));
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(changes, async (edits) => {
        const copy = Buffer.from(whole);
        for (const [at, byte] of edits) copy[at] = byte;
        writeFileSync(path, copy);
        try {
          await loadPth(path);
        } catch (error) {
          if (!(error instanceof CheckpointError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  }
});

test('a real ImageNet checkpoint reads whole', async (t) => {
  const path = join(shared, 'data', 'pretrained', 'mobilenet_v2_torchpad.pth');
  if (!existsSync(path)) {
    t.skip('no FOVEA_SHARED/data/pretrained');
    return;
  }
  const weights = await loadStateDict(path);
  assert.equal(weights.size, 314);
  assert.deepEqual(weights.get('classifier.1.weight')?.shape, [1000, 1280]);
  const count = [...weights].reduce((sum, [name, { numel }]) => sum + (/(weight|bias)$/.test(name) ? numel : 0), 0);
  assert.equal(count, 3_504_872);
});

/** A file as PyTorch wrote it before 1.6: the opcodes of its object, and two floats (1 and -2) as storage "s" if it has one. */
function legacyFile(object: Buffer, hasStorage = true): Buffer {
  const preamble = Buffer.from(
    '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02',
    'latin1',
  );
  const storages = hasStorage ? '.\x80\x02]U\x01sa.\x02\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\xc0' : '.\x80\x02].';
  return Buffer.concat([preamble, object, Buffer.from(storages, 'latin1')]);
}
const tensorOpcodes = (view: string) =>
  `ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x01sU\x03cpuK\x02${view}tQK\x00K\x01\x85K\x01\x85tR`;

test('an old file whose pickle is larger than the first look at it reads whole', async (t) => {
  const path = temporary(t);
  const note = Buffer.alloc(3_000_000, 'n');
  const length = Buffer.from(new Uint32Array([note.length]).buffer);
  const object = Buffer.concat([
    Buffer.from('}(U\x04noteX', 'latin1'),
    length,
    note,
    Buffer.from(`U\x01w${tensorOpcodes('N')}u`, 'latin1'),
  ]);
  writeFileSync(path, legacyFile(object));
  const read = (await loadPth(path)) as Map<string, unknown>;
  assert.deepEqual(plain(read.get('w')), ['float32', [1]]);
  assert.equal((read.get('note') as string).length, 3_000_000);
});

test('an old view of a storage begins where it says, and not outside', async (t) => {
  const path = temporary(t);
  const saved = (view: string) =>
    writeFileSync(path, legacyFile(Buffer.from(`}U\x01w${tensorOpcodes(view)}s`, 'latin1')));
  saved('U\x01vK\x01K\x01\x87');
  assert.deepEqual(plain(await loadPth(path)), new Map([['w', ['float32', [-2]]]]));
  saved('U\x01vK\x01K\x02\x87');
  await refuses(path, 'invalid', /storage "s" has a view outside of it/);
});

test('lists nested beyond reason are refused before anyone follows them', async (t) => {
  const path = temporary(t);
  const depth = 100_000;
  writeFileSync(path, legacyFile(Buffer.concat([Buffer.alloc(depth, ']'), Buffer.alloc(depth - 1, 'a')]), false));
  await assert.rejects(loadPth(path), /is nested more than 500 levels deep/);
});
