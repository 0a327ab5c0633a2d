// Trains a small network on drawn discs, squares and triangles and writes its model folder with pictures that it never saw: what the
// tests of exports need, where a network must have learned something. Takes seconds.
//   .runtime/node packages/automl/model-folder/example-shapes.ts packages/serving/fixtures/shapes
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromTypedArray, manualSeed, nn, optim, type Tensor, tensor, tidy } from '@fovea/torch';
import sharp from 'sharp';
import { exportOnnx } from '../onnx/export.ts';
import { writeModelFolder } from './write.ts';

const SHAPES = ['disc', 'square', 'triangle'] as const;
const SIDE = 32;
const AREA = SIDE * SIDE;
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const STEPS = 300;
const BATCH = 48;
const PICTURES_OF_EACH = 30;

class ShapeNetwork extends nn.Module {
  stem = new nn.Sequential(
    new nn.Conv2d(3, 16, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
  );
  branch = new nn.Sequential(
    ...[new nn.Conv2d(16, 16, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(16), new nn.ReLU()],
    ...[new nn.Conv2d(16, 16, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(16)],
  );
  deeper = new nn.Sequential(
    new nn.Conv2d(16, 32, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
  );
  head = new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(32, SHAPES.length));

  forward(images: Tensor): Tensor {
    const x = this.stem.forward(images);
    return this.head.forward(this.deeper.forward(this.branch.forward(x).add(x).relu()));
  }
}

/** Numbers from a seed (mulberry32); 0 … 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A light shape of any size and place on a dark ground, both with noise. @returns RGB, SIDE × SIDE × 3 */
function draw(shape: number, next: () => number): Uint8Array {
  const [ground, colour] = [0, 150].map((least) => [0, 1, 2].map(() => least + 100 * next()));
  const radius = 6 + 7 * next();
  const [left, top] = [0, 1].map(() => radius + (SIDE - 2 * radius) * next());
  const pixels = new Uint8Array(3 * AREA);
  for (let i = 0; i < AREA; i++) {
    const [x, y] = [((i % SIDE) - left) / radius, (Math.floor(i / SIDE) - top) / radius];
    const inside = [
      x * x + y * y < 1,
      Math.max(Math.abs(x), Math.abs(y)) < 0.85,
      y < 0.85 && Math.abs(x) < (y + 1) / 1.85,
    ];
    const value = inside[shape] ? colour : ground;
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = Math.max(0, Math.min(255, value[c] + 40 * (next() - 0.5)));
  }
  return pixels;
}

function batchOf(images: readonly Uint8Array[]): Tensor {
  const values = new Float32Array(images.length * 3 * AREA);
  images.forEach((pixels, n) => {
    for (let i = 0; i < AREA; i++)
      for (let c = 0; c < 3; c++) values[(3 * n + c) * AREA + i] = (pixels[3 * i + c] / 255 - MEAN[c]) / STD[c];
  });
  return fromTypedArray(values, [images.length, 3, SIDE, SIDE]);
}

function trained(): ShapeNetwork {
  manualSeed(0);
  const model = new ShapeNetwork();
  const optimizer = new optim.AdamW(model.parameters(), { learningRate: 0.004 });
  const next = random(1);
  for (let step = 0; step < STEPS; step++) {
    tidy(() => {
      const classes = Array.from({ length: BATCH }, () => Math.floor(SHAPES.length * next()));
      const logits = model.forward(batchOf(classes.map((shape) => draw(shape, next))));
      const loss = nn.functional.crossEntropy(logits, tensor(classes, { dtype: 'int64' }));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      if (step % 25 === 0) console.log(`step ${step}: loss ${Number(loss.item()).toFixed(3)}`);
    });
  }
  return model;
}

async function writeExampleShapes(folder: string): Promise<void> {
  const model = trained();
  await writeModelFolder(join(folder, 'model'), {
    task: 'image_classification',
    modelName: 'resnet18',
    labels: SHAPES,
    input: { mean: MEAN, std: STD, interpolation: 'bilinear', normalised_in_graph: false },
    settings: { valid_resize_size: SIDE, valid_crop_size: SIDE },
    weights: model.stateDict(),
    onnx: exportOnnx(model, { inputShape: [1, 3, SIDE, SIDE] }),
    training: { job: 'example' },
    weightsOrigin: { pretrained: false, weights: 'random', licence: null },
  });
  const next = random(2);
  for (const [shape, name] of SHAPES.entries()) {
    await mkdir(join(folder, 'pictures', name), { recursive: true });
    for (let i = 0; i < PICTURES_OF_EACH; i++) {
      const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
      await sharp(draw(shape, next), { raw })
        .png()
        .toFile(join(folder, 'pictures', name, `${i}.png`));
    }
  }
}

if (import.meta.main) await writeExampleShapes(process.argv[2]);
