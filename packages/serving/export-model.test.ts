import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readLabelledImages } from '@fovea/data';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type ExportedModel, exportModel } from './export-model.ts';
import { loadModel, openModel } from './load-model.ts';

/** Written by example-shapes.ts of automl: a network that learned drawn shapes, and pictures of them that it never saw. */
const SHAPES = fileURLToPath(new URL('./fixtures/shapes/model', import.meta.url));
const PICTURES = fileURLToPath(new URL('./fixtures/shapes/pictures', import.meta.url));
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-export-'));
});
after(() => rm(work, { recursive: true }));

const pictures = async () =>
  (await readLabelledImages(PICTURES, { targetColumn: 'label', labelKind: 'multiclass', role: 'validation' })).dataset
    .records;

const aboutOf = async ({ about_file }: ExportedModel) => JSON.parse(await readFile(about_file ?? '', 'utf8'));

describe('a copy', () => {
  test('is the file of the model folder, with what a program must know beside it', async () => {
    const exported = await exportModel(SHAPES, { output: join(work, 'copy.onnx') });
    assert.deepEqual(await readFile(exported.file), await readFile(join(SHAPES, 'artifacts/model.onnx')));
    const about = await aboutOf(exported);
    assert.equal(about.file, 'copy.onnx');
    assert.equal(about.precision, 'float32');
    assert.deepEqual(about.labels, ['disc', 'square', 'triangle']);
    assert.deepEqual(about.input.shape, ['batch', 3, 32, 32]);
    assert.deepEqual(about.input.mean, [0.485, 0.456, 0.406]);
    assert.match(about.input.preparation[0], /shorter side to 32 pixels/);
    assert.match(about.outputs[0].meaning, /softmax/);
    assert.equal(about.quantisation, null);
  });

  test('has the settings in it that were edited', async () => {
    const folder = join(work, 'edited');
    await cp(fixture('colours'), folder, { recursive: true });
    await writeFile(join(folder, 'artifacts/settings.json'), '{"valid_resize_size": 60, "valid_crop_size": 48}');
    const { about } = await exportModel(folder, { output: join(work, 'edited.onnx') });
    assert.deepEqual(about.input.shape, ['batch', 3, 48, 48]);
    assert.match(about.input.preparation[1], /48 × 48/);
  });

  test('of a detector of masks gives masks as large as the image, as other programs expect them', async () => {
    const { file, about } = await exportModel(fixture('rings'), { output: join(work, 'rings.onnx') });
    const session = await InferenceSession.create(file);
    const { masks_0: masks } = await session.run({
      Input: new Tensor('float32', new Float32Array(3 * 48 * 64).fill(1), [1, 3, 48, 64]),
    });
    assert.ok(masks.dims[2] > 0);
    await session.release();
    assert.deepEqual(
      about.outputs.map(({ name, dtype }) => [name, dtype]),
      [
        ['boxes_0', 'float32'],
        ['labels_0', 'int64'],
        ['scores_0', 'float32'],
        ['masks_0', 'float32'],
        ['mask_probabilities_0', 'float32'],
      ],
    );
    assert.equal(about.first_label, 1);
  });

  test('may be a model folder, in place of an earlier one but of nothing else', async () => {
    const output = join(work, 'folder');
    await exportModel(SHAPES, { output });
    const { folder } = await exportModel(SHAPES, { output });
    assert.equal(folder, output);
    const model = await loadModel(output, { threads: 1 });
    assert.deepEqual(model.labels, ['disc', 'square', 'triangle']);
    await model.close();

    const other = join(work, 'notes');
    await mkdir(other);
    await writeFile(join(other, 'diary.txt'), 'dear diary');
    await assert.rejects(exportModel(SHAPES, { output: other }), /holds other files than a model.*another place/);
    await assert.rejects(exportModel(output, { output }), /the model is in this folder itself/);
    await assert.rejects(exportModel(join(output), { output: work }), /the model is in this folder itself/);
  });
});

describe('INT8', () => {
  test('is a model folder that answers as the float one does, from a smaller file', async () => {
    const records = await pictures();
    const stages = new Set<string>();
    const output = join(work, 'int8');
    const { quantisation, about, bytes } = await exportModel(SHAPES, {
      output,
      int8: { records },
      threads: 1,
      onProgress: (stage, part) => {
        assert.ok(part >= 0 && part <= 1);
        stages.add(stage);
      },
    });
    assert.ok(quantisation);
    assert.equal(about.precision, 'int8');
    assert.deepEqual([...stages], ['calibration', 'float32', 'int8', 'speed']);
    const { before: float, after: int8, loss } = quantisation;
    assert.deepEqual([quantisation.primary_metric, quantisation.images], ['accuracy', 90]);
    assert.ok((float.primary ?? 0) > 0.95, String(float.primary));
    assert.ok(loss !== null && Math.abs(loss) <= 0.01, String(loss));
    assert.equal(int8.bytes, bytes);
    assert.ok(int8.bytes < 0.5 * float.bytes);
    assert.ok(float.milliseconds > 0 && int8.milliseconds > 0);

    const [one, other] = await Promise.all([SHAPES, output].map((folder) => openModel(folder, { threads: 1 })));
    const files = records.map(({ file }) => file);
    const [expected, answers] = await Promise.all([one, other].map((model) => model.predict(files)));
    answers.forEach((answer, i) => {
      const wanted = expected[i];
      assert.ok('probs' in answer && 'probs' in wanted);
      answer.probs.forEach((value, c) => {
        assert.ok(Math.abs(value - wanted.probs[c]) < 0.1, `${value} and ${wanted.probs[c]}`);
      });
    });
    await Promise.all([one, other].map((model) => model.close()));
    const loader = JSON.parse(await readFile(join(output, 'fovea.json'), 'utf8'));
    assert.equal(loader.training.job, 'example');
    assert.equal(loader.training.quantisation.loss, loss);

    // Its settings may be edited like those of any model folder.
    await writeFile(join(output, 'artifacts/settings.json'), '{"valid_resize_size": 40, "valid_crop_size": 40}');
    const larger = await loadModel(output, { threads: 1 });
    const [answer] = await larger.predict(files.slice(0, 1));
    assert.ok('probs' in answer && answer.probs[0] > 0.5, JSON.stringify(answer));
    await larger.close();

    const again = await exportModel(output, { output: join(work, 'again.onnx') });
    assert.deepEqual([again.about.precision, again.bytes], ['int8', bytes]);
    await assert.rejects(
      exportModel(output, { output: join(work, 'twice.onnx'), int8: { records } }),
      /it is quantised already/,
    );
  });

  test('may be one file, and leaves nothing else behind', async () => {
    const place = join(work, 'alone');
    const exported = await exportModel(SHAPES, {
      output: join(place, 'model.onnx'),
      int8: { records: await pictures() },
      threads: 1,
    });
    assert.deepEqual((await readdir(place)).sort(), ['model.json', 'model.onnx']);
    const about = await aboutOf(exported);
    assert.equal(about.precision, 'int8');
    assert.equal(about.quantisation.calibration_images, 90);
    assert.deepEqual(about.session_options_without_vnni, { 'session.x64quantprecision': '1' });
    const session = await InferenceSession.create(exported.file);
    const { output1 } = await session.run({
      input1: new Tensor('float32', new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32]),
    });
    assert.deepEqual(output1.dims, [2, 3]);
    await session.release();
  });

  test('needs images, and stops when it is told to', async () => {
    const place = join(work, 'none');
    await assert.rejects(
      exportModel(SHAPES, { output: join(place, 'x.onnx'), int8: { records: [] } }),
      /calibrated with images/,
    );
    const aborted = AbortSignal.abort();
    const int8 = { records: await pictures() };
    await assert.rejects(exportModel(SHAPES, { output: join(place, 'x.onnx'), int8, signal: aborted }), {
      name: 'AbortError',
    });
    assert.deepEqual(await readdir(place), []);
  });

  test('passes over images that cannot be read, and needs one that can', async () => {
    const broken = join(work, 'broken.png');
    await writeFile(broken, 'no picture');
    const records = [{ file: broken, labels: ['disc'] }, ...(await pictures()).slice(0, 40)];
    const { quantisation } = await exportModel(SHAPES, {
      output: join(work, 'some.onnx'),
      int8: { records },
      threads: 1,
    });
    assert.deepEqual([quantisation?.calibration_images, quantisation?.images], [40, 40]);
    await assert.rejects(
      exportModel(SHAPES, { output: join(work, 'no.onnx'), int8: { records: records.slice(0, 1) }, threads: 1 }),
      /needs inputs/,
    );
  });

  test('of a network without weights is refused', async () => {
    const records = (await pictures()).map(({ file }) => ({ file, labels: ['red'] }));
    await assert.rejects(
      exportModel(fixture('colours'), { output: join(work, 'colours.onnx'), int8: { records } }),
      /no convolutions or products with constant weights/,
    );
  });
});
