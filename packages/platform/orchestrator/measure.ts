import { join } from 'node:path';
import { jobFolder } from '@fovea/automl/runs';
import type { Share } from '../compute/local-machine.ts';
import type { MeasuringTask } from '../measuring-process/task.ts';
import type { JobRow } from '../store/index.ts';
import { settingOf, specOf } from '../stored-job.ts';
import type { Crew } from './crew.ts';
import { describeDeath } from './deaths.ts';
import { failJob } from './end-job.ts';
import { startProcess } from './start-process.ts';

/** Processes that may die over it. */
const tries = 3;

/** Whether models are to be timed before the job's first trial, and have not been. */
export async function isToBeMeasured(job: JobRow, trials: number): Promise<boolean> {
  if (trials > 0 || job.measured !== null) return false;
  const { modelsToMeasure } = await import('@fovea/automl');
  return modelsToMeasure(specOf(job), settingOf(job).models).length > 0;
}

/**
 * Has the models of a job timed, in a process of its own: what does not fit into the machine may take it along. While it runs, no trial
 * is started that would disturb it. A job over which one process after the other died has failed.
 */
export async function measure(job: JobRow, share: Share, crew: Crew): Promise<void> {
  const { place, owner, machine } = crew;
  const log = join(jobFolder(place.folder, job.name), 'measuring.log');
  const before = crew.measuring;
  if (before !== null && before.job !== job.name) return;
  const end = before?.process.ended();
  if (end === null) return;
  const deaths = (before?.deaths ?? 0) + (end ? 1 : 0);
  if (end) {
    const { words } = describeDeath(end, log);
    crew.say(`${job.name}: timing models: ${words}`);
    if (deaths === tries) {
      crew.measuring = null;
      const advice = 'With a model_name in training_parameters, others need not be timed.';
      return failJob(job, `the models could not be timed: ${words}\n${advice}`, crew);
    }
  }
  const task: MeasuringTask = { folder: place.folder, job: job.name, from: owner, threads: share.threads };
  const process = startProcess(
    {
      script: new URL('../measuring-process/main.ts', import.meta.url),
      args: [JSON.stringify(task)],
      folder: place.folder,
      log,
      environment: {
        ...settingOf(job).environment,
        OMP_NUM_THREADS: String(share.threads),
        ...(machine.gpus.length > 0 && { CUDA_VISIBLE_DEVICES: machine.gpus[0] }),
        FOVEA_DATABASE: place.database,
      },
    },
    crew.wake,
  );
  crew.say(`${job.name}: process ${process.pid} times its models`);
  crew.measuring = { job: job.name, process, deaths };
}

/** Ends the timing of a job's models. */
export function stopMeasuring({ name }: Pick<JobRow, 'name'>, crew: Crew): void {
  if (crew.measuring?.job !== name) return;
  const { pid, ended } = crew.measuring.process;
  if (ended() === null && pid !== undefined) process.kill(pid, 'SIGKILL');
  crew.measuring = null;
}
