import { judged, type Section } from './results.ts';
import { type Bench, compare, Side } from './side.ts';

const MODELS = ['resnet18', 'mobilenetv2'];
const SIZE = 224;
const STEPS = 50;
const GOAL = 1;

/** Integrated gradients of one image: ours in batches beside captum's way, which sends all steps through the network at once. */
export async function explanations(bench: Bench): Promise<Section> {
  const ours = Side.ours('explanations-side.ts');
  const theirs = Side.reference(bench);
  const rows: string[][] = [];
  for (const model of MODELS) {
    bench.say(`explanations ${model}`);
    for (const side of [ours, theirs]) await side?.call('prepare_explaining', { model, size: SIZE });
    const result = await compare(
      bench.rounds,
      () => ours.call('integrate_gradients', { steps: STEPS }),
      theirs && (() => theirs.call('integrate_gradients', { steps: STEPS })),
    );
    const seconds = (value: number | null) => value?.toFixed(2) ?? '–';
    rows.push([model, seconds(result.ours), seconds(result.theirs), judged(result.ratio, GOAL), `≥ ${GOAL}`]);
  }
  ours.close();
  theirs?.close();
  return {
    title: 'Explanations',
    text: [
      `Seconds for integrated_gradients with ${STEPS} steps (riemann_middle) of one image of ${SIZE} px, float32, two threads on both sides.`,
      'The other side is what captum does, written out: all steps as one batch, gradients of the images, their weighted sum.',
    ].join('\n'),
    columns: ['model', 'Fovea s', "captum's way in Python torch s", 'ratio', 'goal'],
    rows,
  };
}
