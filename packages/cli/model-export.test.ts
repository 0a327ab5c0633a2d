// Exports by the words of the command line, of a model that the tests of serving have: what is written, told and refused.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './program.ts';
import { installedServices, type Services } from './services.ts';

const SHAPES = join(import.meta.dirname, '../serving/fixtures/shapes');
const PICTURES = join(SHAPES, 'pictures');

let folder: string;
/** The model folder of a job, as jobs keep it: with the data that it was validated with. */
let ofJob: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-export-'));
  const job = join(folder, 'jobs', 'amber_lynx');
  ofJob = join(job, 'amber_lynx_HD_0', 'outputs', 'mlflow-model');
  await cp(join(SHAPES, 'model'), ofJob, { recursive: true });
  const kept = join(job, 'data', 'validation');
  await mkdir(kept, { recursive: true });
  const rows: string[] = [];
  for (const label of ['disc', 'square', 'triangle'])
    for (const file of (await readdir(join(PICTURES, label))).slice(0, 12))
      rows.push(JSON.stringify({ image_url: join(PICTURES, label, file), label }));
  await writeFile(join(kept, 'annotations.jsonl'), `${rows.join('\n')}\n`);
  const steps = [
    'paths:',
    '  - file: ./annotations.jsonl',
    'transformations:',
    '  - read_json_lines:',
    '        encoding: utf8',
  ];
  await writeFile(join(kept, 'MLTable'), `${steps.join('\n')}\n`);
});
after(() => rm(folder, { recursive: true }));

const fovea = (...args: string[]) => foveaWith(installedServices, ...args);

async function foveaWith(services: Services, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const channel = (name: keyof typeof written) => ({
    ...{ isTerminal: false, columns: () => 100 },
    write: (text: string) => {
      written[name] += text;
    },
    paint: (_: unknown, text: string) => text,
  });
  const terminal = { out: channel('out'), err: channel('err'), flush: async () => {} };
  const code = await run(args, { terminal, services });
  return { code, ...written };
}

test('a copy tells what a program must know, and writes it beside the file', async () => {
  const output = join(folder, 'copy.onnx');
  const { code, out, err } = await fovea('model', 'export', ofJob, '--format', 'onnx', '--output', output);
  assert.equal(code, 0, err);
  assert.match(out, /resnet18 in float32/);
  assert.match(out, /input1 float32 \[batch, 3, 32, 32\], RGB/);
  assert.match(out, /mean 0\.485 0\.456 0\.406 {3}std 0\.229 0\.224 0\.225/);
  assert.match(out, /labels +disc, square, triangle/);
  assert.deepEqual(await readFile(output), await readFile(join(ofJob, 'artifacts/model.onnx')));
  assert.equal(JSON.parse(await readFile(join(folder, 'copy.json'), 'utf8')).format, 'onnx');
});

test('INT8 is calibrated on what the job kept, and compared with float32', async () => {
  const output = join(folder, 'small');
  const { code, out, err } = await fovea('model', 'export', ofJob, '--format', 'onnx', '--int8', '--output', output);
  assert.equal(code, 0, err);
  assert.match(out, /accuracy +1\.000 +1\.000 +±0\.0 points, 36 images/);
  assert.match(out, /size .* × smaller/);
  assert.match(out, /an image +\S+ ms +\S+ ms +\S+ × as fast/);
  assert.match(out, /calibrated on 36 images \((min-max|mse|percentile)\); 5 layers in INT8/);
  assert.equal(err, '');

  const predicted = await fovea('predict', output, join(PICTURES, 'square', '0.png'));
  assert.match(predicted.out, /\n {2}square +9\d\.\d %/);
  const judged = await fovea('evaluate', output, PICTURES, '-o', 'json', '--query', 'metrics.accuracy');
  assert.ok(Number(judged.out) > 0.98, judged.out + judged.err);
});

test('a place and a format of the result are both --output', async () => {
  const output = join(folder, 'told.onnx');
  const args = ['--int8', '--data', PICTURES, '--output', output, '-o', 'json'];
  const { code, out } = await fovea('model', 'export', join(SHAPES, 'model'), ...args);
  assert.equal(code, 0);
  const told = JSON.parse(out);
  assert.equal(told.file, output);
  assert.equal(told.quantisation.images, 90);
  assert.equal(told.quantisation.after.bytes, told.bytes);
  assert.equal(told.about.precision, 'int8');
});

test('a copy of a model finds the data of its job in the workspace', async () => {
  const kept = join(folder, 'w', 'jobs', 'example', 'data', 'validation');
  await cp(join(folder, 'jobs', 'amber_lynx', 'data', 'validation'), kept, { recursive: true });
  const args = ['--workspace', join(folder, 'w'), '--output', join(folder, 'of-copy.onnx'), '-o', 'json'];
  const { out, err } = await fovea('model', 'export', join(SHAPES, 'model'), '--int8', ...args);
  assert.equal(err, '');
  assert.equal(JSON.parse(out).quantisation.images, 36);
});

test('a registered model is exported by its name, its version and its reference', async () => {
  const workspace = ['--workspace', join(folder, 'r')];
  const created = await fovea(
    'model',
    'create',
    '--name',
    'pets',
    '--type',
    'mlflow_model',
    '--path',
    join(SHAPES, 'model'),
    ...workspace,
  );
  assert.equal(created.code, 0, created.err);
  const export_ = (...words: string[]) =>
    fovea('model', 'export', ...words, ...workspace, '-o', 'json', '--query', 'sha256');
  const [byName, byVersion, byReference, byPath] = [
    await export_('--name', 'pets', '--output', join(folder, 'a.onnx')),
    await export_('--name', 'pets', '--version', '1', '--output', join(folder, 'b')),
    await export_('azureml:pets@latest', '--output', join(folder, 'c.onnx')),
    await export_(join(SHAPES, 'model'), '--output', join(folder, 'd.onnx')),
  ];
  assert.equal(byPath.code, 0, byPath.err);
  for (const { out, err } of [byName, byVersion, byReference]) assert.equal(out, byPath.out, err);
  // What was registered never changes; what was exported may be edited.
  const settings = join(folder, 'b', 'artifacts', 'settings.json');
  assert.equal((await stat(settings)).mode & 0o200, 0o200);
  await writeFile(settings, '{"valid_resize_size": 40, "valid_crop_size": 32}');
  assert.equal((await export_('--name', 'pets', '--output', join(folder, 'b'))).code, 0);

  for (const words of [[], ['amber_lynx', '--name', 'pets'], ['amber_lynx', '--version', '2']]) {
    const { code, err } = await fovea('model', 'export', ...words);
    assert.equal(code, 2);
    assert.match(err, /which model|one model/);
  }
  const none = await fovea('model', 'export', '--name', 'pets', '--version', '7', ...workspace);
  assert.notEqual(none.code, 0);
});

test('without images INT8 says what to give, and a copy has no use for any', async () => {
  const alone = join(SHAPES, 'model');
  const none = await fovea('model', 'export', alone, '--int8', '--output', join(folder, 'none.onnx'));
  assert.equal(none.code, 2);
  assert.match(none.err, /INT8 is calibrated with images.*\n.*--data pictures\//);
  const useless = await fovea('model', 'export', alone, '--data', PICTURES);
  assert.equal(useless.code, 2);
  assert.match(useless.err, /--data and --split are for --int8/);
  const other = await fovea('model', 'export', alone, '--format', 'tflite');
  assert.equal(other.code, 2);
  assert.match(other.err, /Allowed choices are onnx/);
});

test('a loss of more than a point is warned of', async () => {
  const serving = await installedServices.serving();
  const losing = (loss: number): Services => ({
    ...installedServices,
    serving: async () => ({
      ...serving,
      async exportModel(folder, options) {
        const exported = await serving.exportModel(folder, { output: options.output });
        const form = { primary: 0.9, metrics: {}, bytes: 100, milliseconds: 1 };
        const quantisation = {
          ...({ method: 'mse', calibration_images: 36, layers: { int8: 5, float: 0 }, images: 36 } as const),
          ...{ primary_metric: 'accuracy', before: form, after: { ...form, primary: 0.9 - loss }, loss },
        };
        return { ...exported, quantisation };
      },
    }),
  });
  const args = ['model', 'export', ofJob, '--int8', '--output', join(folder, 'worse.onnx')];
  const worse = await foveaWith(losing(0.023), ...args);
  assert.equal(worse.code, 0);
  assert.match(worse.err, /warning INT8 loses 2\.3 points of accuracy on 36 images/);
  assert.match(worse.out, /accuracy +0\.900 +0\.877 +−2\.3 points/);
  assert.equal((await foveaWith(losing(0.009), ...args)).err, '');
});

test('a signal stops it, and nothing is left behind', async () => {
  const place = join(folder, 'stopped');
  const serving = await installedServices.serving();
  const stopping: Services = {
    ...installedServices,
    serving: async () => ({
      ...serving,
      exportModel(model, options) {
        process.kill(process.pid, 'SIGTERM');
        return serving.exportModel(model, options);
      },
    }),
  };
  const { code, err } = await foveaWith(
    stopping,
    'model',
    'export',
    ofJob,
    '--int8',
    '--output',
    join(place, 'x.onnx'),
  );
  assert.equal(code, 143);
  assert.match(err, /stopped; nothing was exported/);
  assert.deepEqual(await readdir(place), []);
});
