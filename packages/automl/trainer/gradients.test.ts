import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ImageRecord } from '@fovea/data';
import { manualSeed, memoryUse, nn, setMemoryLimit, type Tensor } from '@fovea/torch';
import { resolveHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { type ClassificationSample, ClassificationTraining } from './classification-training.ts';
import { addGradients } from './gradients.ts';
import { type ImageBatch, ImageStream } from './image-stream.ts';
import { OutOfMemoryError } from './in-pieces.ts';
import { MultiClassTask } from './multi-class.ts';
import { MultiLabelTask } from './multi-label.ts';
import { PLAIN } from './precision.ts';

afterEach(() => setMemoryLimit(Infinity));

const CLASSES = ['a', 'b', 'c'];
const record = (...labels: string[]): ImageRecord => ({
  file: 'x.jpg',
  labels,
  source: { file: 'x' },
  width: 8,
  height: 8,
  bytes: 1,
});
const RECORDS = ['a', 'a', 'b', 'a', 'c', 'a', 'b'].map((label) => record(label));

function batchOf(records: readonly ImageRecord[], size: number): ImageBatch<ClassificationSample> {
  const pixels = Uint8Array.from({ length: records.length * size * size * 3 }, (_, i) => (i * 7919) % 251);
  const samples = records.map((one) => ({
    file: one.file,
    record: one,
    image: { file: one.file, resize: { width: size, height: size } },
  }));
  return { index: 0, samples, pixels, width: size, height: size };
}

function setting(kind: 'multi-class' | 'multi-label', layers: nn.Module, weighted_loss = 2) {
  const hp = resolveHyperparameters('image_classification', 'resnet18', { weighted_loss });
  const task = new ClassificationTraining({
    model: layers,
    task: new (kind === 'multi-class' ? MultiClassTask : MultiLabelTask)(CLASSES, hp, RECORDS),
    train: RECORDS,
    validation: [],
    normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
  });
  return { model: layers, task, images: new ImageStream(task, { workers: 0 }), device: 'cpu' };
}

const network = () => {
  manualSeed(3);
  return new nn.Sequential(
    new nn.Conv2d(3, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(16, 16, 3, { padding: 1 }),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(16, 3),
  );
};

const gradients = (model: nn.Module) =>
  model.parameters().flatMap(({ grad }) => [...((grad as Tensor).data() as Float32Array)]);
/** Up to the rounding of sums in another order. */
function assertClose(a: number[], b: number[]): void {
  const scale = Math.max(...a.map(Math.abs));
  const furthest = Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  assert.ok(furthest < 1e-4 * scale, `${furthest} apart, of at most ${scale}`);
}

for (const kind of ['multi-class', 'multi-label'] as const) {
  test(`${kind}: the gradient of a batch in pieces is that of the whole, class weights and all`, () => {
    const whole = setting(kind, network());
    const parts = setting(kind, network());
    const batch = batchOf(RECORDS, 8);
    const onShortage = () => assert.fail('memory suffices');
    const one = addGradients(whole, batch, { precision: PLAIN, pieces: 1, onShortage });
    const three = addGradients(parts, batch, { precision: PLAIN, pieces: 3, onShortage });
    assert.deepEqual([one.pieces, three.pieces], [1, 3]);
    assert.ok(Math.abs(one.loss - three.loss) < 1e-6, `${one.loss} and ${three.loss}`);
    assertClose(gradients(whole.model), gradients(parts.model));
  });
}

test('gradients of several batches are summed', () => {
  const once = setting('multi-class', network());
  const twice = setting('multi-class', network());
  const batch = batchOf(RECORDS, 8);
  const start = { precision: PLAIN, pieces: 1, onShortage: () => {} };
  addGradients(once, batch, start);
  addGradients(twice, batch, start);
  addGradients(twice, batch, start);
  assertClose(
    gradients(once.model).map((value) => 2 * value),
    gradients(twice.model),
  );
});

test('where memory ends, the step is repeated in pieces to the same gradient, on top of what was there', () => {
  const roomy = setting('multi-class', network());
  const tight = setting('multi-class', network());
  const records = Array.from({ length: 16 }, (_, i) => RECORDS[i % RECORDS.length]);
  const [small, large] = [batchOf(RECORDS, 8), batchOf(records, 96)];
  const start = { precision: PLAIN, pieces: 1, onShortage: () => {} };
  addGradients(setting('multi-class', network()), large, start); // memory that libraries keep
  const { now } = memoryUse({ restart: true });
  addGradients(setting('multi-class', network()), large, start);
  const needed = memoryUse().most - now;
  addGradients(roomy, small, start);
  const expected = addGradients(roomy, large, { ...start, pieces: 4 });

  addGradients(tight, small, start);
  setMemoryLimit(memoryUse().now + needed * 0.4);
  const told: number[] = [];
  const { loss, pieces } = addGradients(tight, large, { ...start, onShortage: (count) => told.push(count) });
  assert.deepEqual([told, pieces], [[2, 4], 4]);
  assert.equal(loss, expected.loss);
  assert.deepEqual(gradients(tight.model), gradients(roomy.model));
});

test('when not even the smallest pieces fit, what was there stays and the error says what to do', () => {
  const training = setting('multi-class', network());
  const start = { precision: PLAIN, pieces: 1, onShortage: () => {} };
  addGradients(training, batchOf(RECORDS, 8), start);
  const before = gradients(training.model);
  setMemoryLimit(memoryUse().now + (1 << 19));
  assert.throws(
    () => addGradients(training, batchOf(RECORDS, 96), start),
    (error) => error instanceof OutOfMemoryError && /even for one image at a time; a smaller model/.test(error.message),
  );
  assert.deepEqual(gradients(training.model), before);
});

test('batch norm never sees a single image', () => {
  const normed = new nn.Sequential(
    new nn.Conv2d(3, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(4, 3),
  );
  const { pieces } = addGradients(setting('multi-class', normed), batchOf(RECORDS, 8), {
    precision: PLAIN,
    pieces: 64,
    onShortage: () => {},
  });
  assert.equal(pieces, 64); // what later, larger batches may use; of these seven images no piece had fewer than two
  setMemoryLimit(memoryUse().now);
  assert.throws(
    () =>
      addGradients(setting('multi-class', normed), batchOf(RECORDS, 64), {
        precision: PLAIN,
        pieces: 1,
        onShortage: () => {},
      }),
    /even for 3 images at a time/,
  );
});
