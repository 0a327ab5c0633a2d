import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { evaluate, formatPrediction, loadModel, type Model, type Prediction, topLabels } from './index.ts';
import { networkInput, readImage } from './prepare.ts';

/**
 * A model folder whose network gives for each image the mean of its red, green and blue values, written by example-folder.ts of
 * automl. Its labels are red, green, blue.
 */
const FOLDER = fileURLToPath(new URL('./fixtures/colours', import.meta.url));
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

let work: string;
let model: Model;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-serving-'));
  model = await loadModel(FOLDER, { threads: 1 });
});
after(async () => {
  await model.close();
  await rm(work, { recursive: true });
});

/** A picture of one colour. */
async function picture(name: string, [r, g, b]: number[], width = 40, height = 30): Promise<string> {
  const path = join(work, name);
  await sharp({ create: { width, height, channels: 3, background: { r, g, b } } }).toFile(path);
  return path;
}

const success = (answer: object): Prediction => {
  assert.ok('probs' in answer, JSON.stringify(answer));
  return answer as Prediction;
};

/** What the network should answer for a colour, by hand. */
function expected(colour: number[]): number[] {
  const logits = colour.map((value, c) => (value / 255 - MEAN[c]) / STD[c]);
  const exponentials = logits.map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}

const close = (a: readonly number[], b: readonly number[]) => {
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]) < 1e-5, `${a} and ${b}`);
  });
};

describe('prediction', () => {
  test('gives a probability for every label, in their order', async () => {
    const colours = [
      [200, 30, 90],
      [0, 255, 0],
      [17, 18, 19],
    ];
    const files = await Promise.all(colours.map((colour, i) => picture(`${i}.png`, colour)));
    const answers = (await model.predict(files)).map(success);
    answers.forEach(({ probs, labels }, i) => {
      assert.deepEqual(labels, ['red', 'green', 'blue']);
      close(probs, expected(colours[i]));
      assert.ok(Math.abs(probs.reduce((a, b) => a + b) - 1) < 1e-9);
    });
  });

  test('takes the bytes of a file as well as its path', async () => {
    const file = await picture('bytes.png', [120, 60, 200]);
    const [byPath, byBytes] = await model.predict([file, await readFile(file)]);
    assert.deepEqual(byPath, byBytes);
  });

  test('answers every image, however many', async () => {
    const files = await Promise.all(Array.from({ length: 19 }, (_, i) => picture(`many-${i}.png`, [i * 10, 100, 50])));
    const answers = (await model.predict(files)).map(success);
    answers.forEach(({ probs }, i) => {
      close(probs, expected([i * 10, 100, 50]));
    });
    assert.deepEqual(await model.predict([]), []);
  });

  test('names the images that cannot be read and answers the others', async () => {
    const good = await picture('good.png', [1, 2, 3]);
    const text = join(work, 'notes.jpg');
    await writeFile(text, 'not a picture');
    const cut = join(work, 'cut.png');
    await writeFile(cut, (await readFile(good)).subarray(0, 60));
    const answers = await model.predict([
      text,
      good,
      cut,
      join(work, 'none.jpg'),
      new Uint8Array(),
      new Uint8Array(50),
    ]);
    const errors = answers.map((answer) => ('error' in answer ? answer.error : null));
    assert.match(errors[0] ?? '', /notes\.jpg is not an image that can be read \(it is text\)/);
    assert.equal(errors[1], null);
    assert.match(errors[2] ?? '', /cut\.png is (cut off|damaged)/);
    assert.match(errors[3] ?? '', /none\.jpg is not there/);
    assert.match(errors[4] ?? '', /image 5 is empty/);
    assert.match(errors[5] ?? '', /image 6 is not an image/);
    close(success(answers[1]).probs, expected([1, 2, 3]));
  });

  test('can be stopped', async () => {
    const file = await picture('stop.png', [1, 2, 3]);
    await assert.rejects(model.predict([file], { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  test('says how long loading took', () => {
    assert.ok(model.loadTime.folder > 0 && model.loadTime.session > 0);
    assert.deepEqual([model.task, model.modelName], ['image_classification', 'resnet18']);
  });
});

describe('preparation', () => {
  const preparation = { mean: MEAN, std: STD, resizeSize: 256, cropSize: 224 };

  test('is what torchvision makes of the picture: resize, centre crop, to tensor, normalise', async () => {
    for (const name of ['img_c', 'img_d']) {
      const folder = fileURLToPath(new URL('./fixtures/transforms/', import.meta.url));
      const { resize_256_centercrop_224_totensor_normalize: figures } = JSON.parse(
        await readFile(`${folder}${name}.json`, 'utf8'),
      );
      const pixels = await readImage(`${folder}${name}.png`, '', preparation);
      const input = networkInput([pixels], preparation);
      for (const [at, value] of figures.at)
        assert.ok(Math.abs(input[at] - value) < 1e-4, `${name} at ${at}: ${input[at]}, not ${value}`);
    }
  });

  test('puts an image that is smaller than the crop in the middle of black', async () => {
    const file = await picture('small.png', [255, 255, 255], 6, 6);
    const pixels = await readImage(file, '', { ...preparation, resizeSize: 4, cropSize: 7 });
    const rows = Array.from({ length: 7 }, (_, y) =>
      Array.from({ length: 7 }, (_, x) => (pixels[3 * (7 * y + x)] ? '#' : '.')).join(''),
    );
    assert.deepEqual(rows, ['.......', '.####..', '.####..', '.####..', '.####..', '.......', '.......']);
  });

  test('follows settings.json when it is edited', async () => {
    const edited = join(work, 'edited');
    await cp(FOLDER, edited, { recursive: true });
    await writeFile(
      join(edited, 'artifacts/settings.json'),
      JSON.stringify({ valid_resize_size: 30, valid_crop_size: 4 }),
    );
    // A white square in the middle of black: only the small crop sees nothing else.
    const square = sharp({ create: { width: 10, height: 10, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    const file = join(work, 'square.png');
    await sharp({ create: { width: 30, height: 30, channels: 3, background: 'black' } })
      .composite([{ input: await square }])
      .toFile(file);
    const narrow = await loadModel(edited, { threads: 1 });
    close(success((await narrow.predict([file]))[0]).probs, expected([255, 255, 255]));
    await narrow.close();
    assert.notDeepEqual(success((await model.predict([file]))[0]).probs, expected([255, 255, 255]));
  });
});

test('serving does not load the training engine', async () => {
  const program = `
    import { readFileSync } from 'node:fs';
    const { loadModel } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url))});
    await (await loadModel(${JSON.stringify(FOLDER)})).close();
    console.log(/onnxruntime/.test(readFileSync('/proc/self/maps', 'utf8')), /torch/.test(readFileSync('/proc/self/maps', 'utf8')));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(stdout.trim(), 'true false');
});

test('a multi-label model gives probabilities that do not depend on each other', async () => {
  const folder = join(work, 'multilabel');
  await cp(FOLDER, folder, { recursive: true });
  const metadata = JSON.parse(await readFile(join(folder, 'fovea.json'), 'utf8'));
  await writeFile(join(folder, 'fovea.json'), JSON.stringify({ ...metadata, task: 'image_classification_multilabel' }));
  await writeFile(join(folder, 'artifacts/settings.json'), '{}');
  const multilabel = await loadModel(folder, { threads: 1 });
  const [answer] = await multilabel.predict([await picture('multi.png', [255, 0, 120])]);
  const logits = [255, 0, 120].map((value, c) => (value / 255 - MEAN[c]) / STD[c]);
  close(
    success(answer).probs,
    logits.map((logit) => 1 / (1 + Math.exp(-logit))),
  );
  const files = await Promise.all([
    picture('red.png', [255, 0, 0]),
    picture('black.png', [0, 0, 0]),
    picture('violet.png', [255, 0, 255]),
  ]);
  const labels = [['red'], [], ['red', 'green']];
  const { images, metrics, report, confusionMatrix, failures } = await evaluate(
    multilabel,
    [...files, 'none.jpg'].map((file, i) => ({ file, labels: labels[i] ?? [] })),
  );
  // Violet is taken for red and blue: one of the three labels that it has or is given is right.
  close([metrics.iou ?? 0, metrics.accuracy ?? 0], [(1 + 1 + 1 / 3) / 3, 2 / 3]);
  assert.deepEqual([images, report.class_labels], [3, ['red', 'green', 'blue']]);
  assert.ok('matrices' in confusionMatrix);
  assert.deepEqual(confusionMatrix.matrices[2], [
    [2, 1],
    [0, 0],
  ]);
  assert.deepEqual(
    failures.map(({ file }) => file),
    ['none.jpg'],
  );
  await multilabel.close();
});

test('the answers to labelled images are judged; what the model cannot know is refused', async () => {
  const colours = { red: [250, 9, 9], green: [9, 250, 9], blue: [250, 10, 9] };
  const records = await Promise.all(
    Object.entries(colours).map(async ([label, colour]) => ({
      file: await picture(`judged-${label}.png`, colour),
      labels: [label],
    })),
  );
  const done: number[] = [];
  const { metrics, confusionMatrix } = await evaluate(model, records, { onProgress: (images) => done.push(images) });
  close([metrics.accuracy ?? 0], [2 / 3]);
  assert.ok('matrix' in confusionMatrix);
  assert.deepEqual(confusionMatrix.matrix, [
    [1, 0, 0],
    [0, 1, 0],
    [1, 0, 0],
  ]);
  assert.deepEqual(done, [3]);
  const [{ file }] = records;
  await assert.rejects(evaluate(model, [{ file, labels: ['pink'] }]), /"pink" is not a label of the model/);
  await assert.rejects(evaluate(model, [{ file, labels: ['red', 'blue'] }]), /an image has 2 labels/);
  await assert.rejects(evaluate(model, [{ file: 'none.jpg', labels: ['red'] }]), /no image that can be read/);
});

test('the best labels come first, as a table too', () => {
  const prediction = { probs: [0.069, 0.931, 0], labels: ['ant', 'bumblebee', 'cat'] };
  assert.deepEqual(topLabels(prediction, 2), [
    { label: 'bumblebee', probability: 0.931 },
    { label: 'ant', probability: 0.069 },
  ]);
  assert.equal(
    formatPrediction('photo.jpg', prediction, { top: 2, barWidth: 10 }),
    'photo.jpg\n  bumblebee   93.1 %  ━━━━━━━━━\n  ant          6.9 %  ━',
  );
});

test('labels that do not exclude each other are marked from the threshold on, however many', () => {
  const labels = ['sea', 'sky', 'tree', 'dog', 'cat', 'kite', 'sand'];
  const shown = (probs: number[], options = {}) =>
    formatPrediction('p.jpg', { probs, labels }, { threshold: 0.5, barWidth: 0, ...options }).split('\n');
  assert.deepEqual(shown([0.5, 0.93, 0.49, 0, 0, 0, 0], { top: 3 }), [
    'p.jpg',
    '  ✓ sky    93.0 %',
    '  ✓ sea    50.0 %',
    '    tree   49.0 %',
  ]);
  assert.equal(shown(Array(7).fill(0.6)).length, 8);
  assert.equal(shown(Array(7).fill(0.4)).length, 6);
});
