import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Precision } from '@fovea/automl';
import { judged, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

const MODELS = ['fasterrcnn_resnet50_fpn', 'maskrcnn_resnet50_fpn', 'retinanet_resnet50_fpn'];
const [WIDTH, HEIGHT] = [800, 600];
const OBJECTS = 8;
const CLASSES = 91;
const GOAL = 1;

/** Of all sizes, spread over the image. */
const TARGET = {
  boxes: Array.from({ length: OBJECTS }, (_, i) => {
    const [x, y, side] = [20 + 85 * i, 20 + ((i * 230) % 400), 24 * 1.3 ** i];
    return [x, y, Math.min(WIDTH, x + side), Math.min(HEIGHT, y + side * 1.2)];
  }),
  labels: Array.from({ length: OBJECTS }, (_, i) => 1 + 11 * i),
};

const PLAIN: Precision = { dtype: 'float32', memoryFormat: 'contiguous' };
const CHANNELS_LAST: Precision = { dtype: 'float32', memoryFormat: 'channels_last' };

/** `ours` undefined: what a job would choose. */
const CASES: readonly { ours?: Precision; theirs: Precision; meaning: string }[] = [
  { ours: PLAIN, theirs: PLAIN, meaning: 'like for like' },
  { ours: CHANNELS_LAST, theirs: CHANNELS_LAST, meaning: 'like for like' },
  { theirs: PLAIN, meaning: 'defaults' },
];

/** Steps take seconds, and differ little. */
const MOST_ROUNDS = 3;

const SHARES = { images: 32, batch: 8, size: 640, epochs: 3 };

const name = ({ dtype, memoryFormat }: Precision) => `${dtype === 'float32' ? 'fp32' : 'bf16'} ${memoryFormat}`;

/** Steps of Faster R-CNN, Mask R-CNN and RetinaNet beside torchvision's, and where the time of YOLOv5's go; two threads on both sides. */
export async function detectionTraining(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const differences: number[] = [];
  for (const model of MODELS) {
    for (const plan of CASES) {
      bench.say(
        `detection training: ${model}, ${plan.meaning}, ${plan.ours ? name(plan.ours) : 'arithmetic by choice'}`,
      );
      const { row, difference } = await compared(bench, model, plan);
      rows.push(row);
      if (difference !== null) differences.push(difference);
    }
  }
  bench.say('detection training: yolov5 small');
  return {
    title: 'Detection training',
    text: [
      `A step on one image of ${WIDTH} × ${HEIGHT} px with ${OBJECTS} objects: forward, backward and SGD with momentum, two threads on both`,
      'sides; normalisation is frozen, conv1 and the first stage are fixed. Both sides start from the same random weights and image' +
        (differences.length > 0
          ? `; their first losses differ by ${Math.max(...differences).toExponential(0)} at most`
          : ''),
      '(like for like). Defaults: the arithmetic that a training job chooses by measurement, beside PyTorch as it comes. Peak: the most',
      'memory that was resident in the process, its libraries included.',
    ].join('\n'),
    columns: ['model', 'compared', 'Fovea', 's/step', 'peak', 'Python torch', 's/step', 'peak', 'ratio', 'goal'],
    rows,
    after: await yolov5Shares(),
  };
}

async function compared(
  bench: Bench,
  model: string,
  plan: (typeof CASES)[number],
): Promise<{ row: string[]; difference: number | null }> {
  // Processes of their own, so that their peaks of memory are those of the case.
  const ours = Side.ours('detection-training-side.ts');
  const theirs = Side.reference(bench);
  const shape = { model, classes: CLASSES, width: WIDTH, height: HEIGHT, ...TARGET };
  const chosen = await ours.call<Precision>('prepare', { ...shape, precision: plan.ours });
  await theirs?.call('prepare_detector', { ...shape, memory_format: plan.theirs.memoryFormat });
  const ourLoss = await ours.call('loss');
  const theirLoss = await theirs?.call('detector_loss');
  const result = await compare(
    Math.min(bench.rounds, MOST_ROUNDS),
    () => ours.call('train_step'),
    theirs && (() => theirs.call('detector_step')),
  );
  const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '–' : `${(bytes / 2 ** 20).toFixed(0)} MiB`);
  const seconds = (value: number | null) => value?.toFixed(2) ?? '–';
  const row = [
    model,
    plan.meaning,
    name(chosen),
    seconds(result.ours),
    mebibytes(await ours.call('peak_memory')),
    name(plan.theirs),
    seconds(result.theirs),
    mebibytes(await theirs?.call('peak_memory')),
    judged(result.ratio, GOAL),
    `≥ ${GOAL.toFixed(1)}`,
  ];
  ours.close();
  theirs?.close();
  const alike = plan.ours !== undefined && theirLoss !== undefined;
  return { row, difference: alike ? Math.abs(ourLoss - theirLoss) / theirLoss : null };
}

/** A table of where the time of training goes. */
async function yolov5Shares(): Promise<string> {
  const { images, batch, size } = SHARES;
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const side = Side.ours('detection-shares-side.ts');
  try {
    const { shares, steps } = await side.call<{ shares: Record<string, number>; steps: number }>('shares', {
      ...SHARES,
      folder,
    });
    const total = Object.values(shares).reduce((sum, part) => sum + part, 0);
    const cells = Object.values(shares).map((part) => `${((100 * part) / total).toFixed(1)} %`);
    return [
      `A training job with yolov5 small at ${size} px in batches of ${batch}, on ${images} drawn photographs of 800 × 600 px, over ${steps} steps after`,
      'the first epoch. Data: waiting for images and making a tensor of them. Matching: targets, assignment and loss. Optimizer: with the',
      'moving average of the weights, reading the loss and reporting.',
      '',
      `| images/s | ${Object.keys(shares).join(' | ')} |`,
      `| --- | ${cells.map(() => '---').join(' | ')} |`,
      `| ${((1000 * steps * batch) / total).toFixed(2)} | ${cells.join(' | ')} |`,
    ].join('\n');
  } finally {
    side.close();
    rmSync(folder, { recursive: true });
  }
}
