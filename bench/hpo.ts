import { fileURLToPath } from 'node:url';
import { type Assignment, type ImageJob, nextTrial, type SearchState, type TriedTrial } from '@fovea/automl';
import type { Section } from './results.ts';
import { type Bench, median } from './side.ts';
import { type TuningFunction, tuningFunctions } from './tuning-functions.ts';

const SHARED = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
const SEEDS = 30;
const TRIALS = 50;
const LOOKS = [20, 50] as const;
/** Milliseconds that a decision after so many trials may take. */
const GOAL = 50;
const MANY = 1000;

/** Hyperparameter search on functions, beside what was recorded of Optuna; and the time of a decision after many trials. */
export async function hpo(bench: Bench): Promise<Section> {
  const functions = tuningFunctions(SHARED);
  const gaps: number[] = [];
  const rows = functions.flatMap((one) => {
    bench.say(`hpo: ${one.id}`);
    const [ours, random] = (['bayesian', 'random'] as const).map((sampling) =>
      Array.from({ length: SEEDS }, (_, seed) => bestSoFar(one, sampling, seed)),
    );
    return LOOKS.map((trials) => {
      const after = (runs: number[][]) => median(runs.map((best) => best[trials - 1]));
      const recorded = (sampler: string) => one.recorded[sampler][`after_${trials}`];
      const tpe = recorded('tpe');
      const gap = (after(ours) - tpe.median) / Math.max(tpe.iqr, 1e-3);
      gaps.push(gap);
      const value = after(ours).toFixed(4);
      return [
        one.id,
        String(trials),
        gap > 0 ? `**${value}**` : value,
        tpe.median.toFixed(4),
        gap.toFixed(2),
        recorded('gp').median.toFixed(4),
        after(random).toFixed(4),
        recorded('random').median.toFixed(4),
      ];
    });
  });
  const times = functions.map((one) => `${one.id} ${decisionTime(one, bench.rounds).toFixed(0)} ms`);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return {
    title: 'Hyperparameter search',
    text: [
      `Functions to minimise, one trial at a time: the median over ${SEEDS} seeds of the best value after so many trials. Optuna’s figures`,
      'were recorded with its own seeds. The distance from its TPE is in interquartile ranges of TPE’s runs; below 0 is better.',
      `On average it is ${mean.toFixed(2)}. What is worse than TPE is bold.`,
    ].join('\n'),
    columns: ['function', 'trials', 'bayesian', 'Optuna TPE', 'distance', 'Optuna GP', 'random', 'Optuna random'],
    rows,
    after: `A decision after ${MANY} trials takes ${times.join(', ')} (goal < ${GOAL} ms).`,
  };
}

/** The best value after each trial. */
function bestSoFar({ space, valueAt }: TuningFunction, sampling: 'bayesian' | 'random', seed: number): number[] {
  const trials: TriedTrial[] = [];
  const best: number[] = [];
  for (let number = 0; number < TRIALS; number++) {
    const draw = drawn(space, sampling, seed, trials);
    const value = valueAt(draw);
    trials.push(completed(number, draw, value));
    best.push(Math.min(value, best.at(-1) ?? Number.POSITIVE_INFINITY));
  }
  return best;
}

function decisionTime({ space, valueAt }: TuningFunction, rounds: number): number {
  const trials: TriedTrial[] = [];
  for (let number = 0; number < MANY; number++) {
    const draw = drawn(space, 'random', 0, trials);
    trials.push(completed(number, draw, valueAt(draw)));
  }
  const once = (seed: number): number => {
    const start = performance.now();
    drawn(space, 'bayesian', seed, trials);
    return performance.now() - start;
  };
  once(0);
  return median(Array.from({ length: rounds }, (_, i) => once(i + 1)));
}

const completed = (number: number, draw: Assignment, value: number): TriedTrial => ({
  ...{ number, draw, status: 'completed', seconds: 1 },
  // Jobs maximise.
  reports: [{ epoch: 1, value: -value }],
});

function drawn(
  space: TuningFunction['space'],
  type: 'bayesian' | 'random',
  seed: number,
  trials: readonly TriedTrial[],
): Assignment {
  const job = {
    ...{ search_space: space, training_parameters: {}, primary_metric: 'value' },
    limits: { max_trials: MANY + 1, max_concurrent_trials: 1, timeout_minutes: 1 },
    sweep: { sampling_algorithm: { type, seed } },
  } as unknown as ImageJob;
  const state: SearchState = { job, models: [], trials, secondsLeft: 1, measured: [] };
  const next = nextTrial(state);
  if (next === null || next === 'wait') throw new Error('a sweep within its limits has a next trial');
  return next.draw;
}
