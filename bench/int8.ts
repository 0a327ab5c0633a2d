// INT8 beside float32: how much sooner ONNX Runtime answers, and what of the accuracy is left.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantiseOnnx } from '@fovea/automl/quantise';
import type { JobRecord } from '@fovea/platform';
import type { ExportedModel } from '@fovea/serving';
import { fovea } from './fovea-command.ts';
import { format, rate, type Section } from './results.ts';
import { PRETRAINED, unpackedTable } from './runs.ts';
import { type Bench, compare, Side } from './side.ts';

const MODELS = ['mobilenetv2', 'resnet18', 'resnet50', 'resnest50', 'seresnext', 'vits16r224'];
const SIZE = 224;
const BATCHES = [1, 16];
const IMAGES = 32;

/** Models that are trained as the section "Runs" does it, each on images of its own. */
const TRAINED = [
  { set: 'ants_bees', options: [], weights: PRETRAINED },
  { set: 'cifar10_2500', options: [], weights: PRETRAINED },
  {
    set: 'cifar10_2500',
    options: ['--model', 'resnet18', ...sized(64)],
    weights: 'none',
  },
];

function sized(pixels: number): string[] {
  const names = ['training_crop_size', 'validation_crop_size', 'validation_resize_size'];
  return names.flatMap((name) => ['--set', `${name}=${pixels}`]);
}

/** Speed of untrained networks, which is that of trained ones, and then accuracy of trained ones. */
export async function int8(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  try {
    const rows = await speeds(bench, folder);
    const accuracy: Section = {
      title: 'Accuracy in INT8',
      text: '`fovea train`, and `fovea model export --int8` calibrated and judged on the test images.',
      columns: ['images', 'model', 'test images', 'float32', 'INT8', 'points lost', 'ranges by'],
      rows: await accuracies(bench, folder),
    };
    return {
      title: 'INT8',
      text: `Images per second of one model in both forms at ${SIZE} px, on ONNX Runtime with two threads.`,
      columns: ['model', 'batch', 'INT8 images/s', 'float32 images/s', 'ratio', 'INT8 MB', 'float32 MB'],
      rows,
      after: format(accuracy).replace(/^## /, '### ').trim(),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function speeds(bench: Bench, folder: string): Promise<string[][]> {
  const exporter = Side.ours('training-side.ts');
  const [whole, small] = [0, 1].map(() => Side.ours('prediction-side.ts'));
  const rows: string[][] = [];
  try {
    for (const model of MODELS) {
      const float = join(folder, `${model}.onnx`);
      const integers = join(folder, `${model}-int8.onnx`);
      await exporter.call('export_onnx', { model, size: SIZE, path: float });
      // Noise: the ranges do not matter for speed.
      const data = Float32Array.from({ length: 3 * SIZE * SIZE }, () => 4 * Math.random() - 2);
      const inputs = { count: 1, read: () => [{ data, shape: [1, 3, SIZE, SIZE] }] };
      writeFileSync(integers, (await quantiseOnnx(readFileSync(float), inputs)).onnx);
      const megabytes = [integers, float].map((path) => (statSync(path).size / 1e6).toFixed(1));
      for (const batch of BATCHES) {
        bench.say(`int8 ${model}, batch ${batch}`);
        await small.call('prepare_prediction', { path: integers, batch, size: SIZE });
        await whole.call('prepare_prediction', { path: float, batch, size: SIZE });
        const steps = IMAGES / batch;
        const predict = (side: Side) => () => side.call('predict', { steps });
        const { ours, theirs, ratio } = await compare(bench.rounds, predict(small), predict(whole));
        const figures = [rate(IMAGES, ours), rate(IMAGES, theirs), ratio?.toFixed(2) ?? '–'];
        rows.push([model, String(batch), ...figures, ...megabytes]);
      }
    }
  } finally {
    for (const side of [exporter, whole, small]) side.close();
  }
  return rows;
}

async function accuracies(bench: Bench, folder: string): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [i, { set, options, weights }] of TRAINED.entries()) {
    const data = unpackedTable(set, folder);
    bench.say(`int8: ${set} ${options.join(' ')}`);
    const train = ['train', data, '--name', `int8_${i}`, ...options, '--weights', weights];
    const { name } = await fovea<JobRecord>(folder, train);
    const words = ['model', 'export', name, '--int8', '--data', data, '--split', 'test', '--output', `${name}.onnx`];
    const { about, quantisation } = await fovea<ExportedModel>(folder, words);
    if (quantisation === null) throw new Error(`${name} was not quantised`);
    const { images, before, after, loss, method } = quantisation;
    rows.push([
      ...[set, about.model_name, String(images)],
      ...[before, after].map(({ primary }) => (primary ?? Number.NaN).toFixed(3)),
      ...[(100 * (loss ?? Number.NaN)).toFixed(1), method],
    ]);
  }
  return rows;
}
