import type { ChosenTrial, SearchState, TriedTrial } from '@fovea/automl';
import type { JobRow, NewTrial, Store, TrialRow } from './store/index.ts';
import { secondsLeftOf, settingOf, specOf } from './stored-job.ts';

/** The property of a trial that says how long it has been running, in all its processes, by monotonic clocks. */
export const SECONDS = 'seconds';

/** All that the search goes by, from the store. */
export async function searchState(store: Store, job: JobRow): Promise<SearchState> {
  const spec = specOf(job);
  const trials = await store.trials.ofJob(job.name);
  const points = Map.groupBy(await store.metrics.ofJob(job.name, spec.primary_metric), ({ number }) => number);
  return {
    job: spec,
    models: settingOf(job).models,
    trials: trials.map((trial) => ({
      number: trial.number,
      draw: trial.draw,
      status: triedStatus(trial),
      reports: (points.get(trial.number) ?? []).map(({ step, value }) => ({ epoch: step, value })),
      seconds: Number(trial.properties[SECONDS] ?? 0),
    })),
    secondsLeft: secondsLeftOf(job),
    measured: (job.measured ?? []) as SearchState['measured'],
  };
}

/** A trial as it goes into the store. */
export const chosenTrial = (
  { name }: Pick<JobRow, 'name'>,
  number: number,
  { draw, because }: ChosenTrial,
): NewTrial => ({
  ...{ name: `${name}_HD_${number}`, job: name, number, draw, chosen_because: because },
});

function triedStatus({ status, ended_because }: TrialRow): TriedTrial['status'] {
  switch (status) {
    case 'Completed':
      return ended_because === null ? 'completed' : 'stopped';
    case 'Failed':
      return 'failed';
    case 'Canceled':
      return 'canceled';
    default:
      return 'running';
  }
}
