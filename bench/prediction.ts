import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judged, rate, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

const MODELS = ['resnet18', 'resnet50', 'mobilenetv2'];
const SIZE = 224;
const GOAL = 1.5;

/** Images of a round, in batches: enough to take some tenths of a second. */
const CASES = [
  { batch: 1, images: 16 },
  { batch: 16, images: 32 },
];

/** Forward passes on random images: our exported graph on ONNX Runtime beside the same network in torch's inference mode. */
export async function prediction(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const exporter = Side.ours('training-side.ts');
  const ours = Side.ours('prediction-side.ts');
  const theirs = Side.reference(bench);
  const rows: string[][] = [];
  try {
    for (const model of MODELS) {
      const path = join(folder, `${model}.onnx`);
      await exporter.call('export_onnx', { model, size: SIZE, path });
      for (const { batch, images } of CASES) {
        bench.say(`prediction ${model}, batch ${batch}`);
        await ours.call('prepare_prediction', { path, batch, size: SIZE });
        await theirs?.call('prepare_prediction', { model, batch, size: SIZE });
        const steps = images / batch;
        const result = await compare(
          bench.rounds,
          () => ours.call('predict', { steps }),
          theirs && (() => theirs.call('predict', { steps })),
        );
        const ratio = judged(result.ratio, GOAL);
        rows.push([model, String(batch), rate(images, result.ours), rate(images, result.theirs), ratio, `≥ ${GOAL}`]);
      }
    }
  } finally {
    for (const side of [exporter, ours, theirs]) side?.close();
    rmSync(folder, { recursive: true });
  }
  return {
    title: 'Prediction',
    text: `Images per second at ${SIZE} px, float32, two threads on both sides: the exported graph on ONNX Runtime, and Python torch in evaluation and inference mode.`,
    columns: ['model', 'batch', 'Fovea images/s', 'Python torch images/s', 'ratio', 'goal'],
    rows,
  };
}
