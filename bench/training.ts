import type { Precision } from '@fovea/automl';
import { judged, rate, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

/**
 * The batches that each is trained in; by default it is the last. How often memory goes back to the system depends on the size of its
 * pieces, so on the batch; 32 is torchvision's own. ViT-B/16 takes seconds an image.
 */
const MODELS: Record<string, readonly number[]> = {
  resnet18: [16, 32],
  resnet50: [16, 32],
  mobilenetv2: [16, 32],
  vitb16r224: [8],
};

const SIZE = 224;

const PLAIN: Precision = { dtype: 'float32', memoryFormat: 'contiguous' };
const CHANNELS_LAST: Precision = { dtype: 'float32', memoryFormat: 'channels_last' };

/** Training in one precision beside Python's in another; `ours` undefined: what a job would choose. */
interface Case {
  ours?: Precision;
  theirs: Precision;
  batch: number;
  goal: number;
  meaning: string;
}

const cases = (batches: readonly number[]): Case[] => [
  ...batches.flatMap((batch) =>
    [PLAIN, CHANNELS_LAST].map((both) => ({ ours: both, theirs: both, batch, goal: 1.2, meaning: 'like for like' })),
  ),
  { theirs: PLAIN, batch: batches[batches.length - 1], goal: 2, meaning: 'defaults' },
];

const name = ({ dtype, memoryFormat }: Precision) => `${dtype === 'float32' ? 'fp32' : 'bf16'} ${memoryFormat}`;

/** Training steps on random images, two threads on both sides. */
export async function training(bench: Bench): Promise<Section> {
  const ours = Side.ours('training-side.ts');
  const theirs = Side.reference(bench);
  const rows: string[][] = [];
  for (const [model, batches] of Object.entries(MODELS)) {
    for (const plan of cases(batches)) {
      const { batch } = plan;
      const shape = { model, batch, size: SIZE };
      const chosen = await ours.call<Precision>('prepare_training', { ...shape, precision: plan.ours });
      bench.say(`training ${model}, ${plan.meaning}, ${name(chosen)}, batch ${batch}`);
      await theirs?.call('prepare_training', { ...shape, memory_format: plan.theirs.memoryFormat });
      const result = await compare(
        bench.rounds,
        () => ours.call('train_steps', { steps: 1 }),
        theirs && (() => theirs.call('train_steps', { steps: 1 })),
      );
      rows.push([
        model,
        plan.meaning,
        String(batch),
        name(chosen),
        rate(batch, result.ours),
        name(plan.theirs),
        rate(batch, result.theirs),
        judged(result.ratio, plan.goal),
        `≥ ${plan.goal}`,
      ]);
    }
  }
  ours.close();
  theirs?.close();
  return {
    title: 'Training',
    text: [
      `Images per second at ${SIZE} px: forward, backward and SGD with momentum, two threads on both sides.`,
      'Defaults: the arithmetic that a training job chooses by measurement, beside PyTorch as it comes.',
    ].join('\n'),
    columns: ['model', 'compared', 'batch', 'Fovea', 'images/s', 'Python torch', 'images/s', 'ratio', 'goal'],
    rows,
  };
}
