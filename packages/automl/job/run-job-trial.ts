import { join } from 'node:path';
import type { ImageCache } from '@fovea/data';
import type { Assignment } from '../search/space.ts';
import { type ImageJob, jobMode } from '../spec/job.ts';
import { trialHyperparameters } from '../spec/resolve-hyperparameters.ts';
import { runTrial } from '../trainer/run-trial.ts';
import type { Report, RunEvent } from './events.ts';
import type { EpochRecord, TrialRecord } from './job-record.ts';
import { type JobSetting, readPreparedData } from './prepare-job.ts';
import { logSystem } from './system-log.ts';
import { logTrial } from './trial-log.ts';

/** One trial of a job that `prepareJob` has prepared. */
export interface JobTrial {
  job: ImageJob & { name: string };
  setting: JobSetting;
  /** What it drew from the search space. */
  draw: Assignment;
  /** What is known of it; a trial that was cut off goes on with what it kept. */
  record: TrialRecord;
  /** Of the job; the trial's own folder is in it, under its name. */
  folder: string;
  /** What the workspace remembers between jobs. */
  cacheFolder: string;
  /** Decoded images. */
  imageCache: ImageCache;
}

export interface TrialOptions {
  /** CPU threads that the trial may use. */
  threads: number;
  report: Report;
  signal: AbortSignal;
  /** Whether the job's time is up. What was reached until then is exported. */
  isTimeUp: () => boolean;
  /** Told when the record has changed: its hyperparameters are settled, or an evaluation was made. Training waits for it. */
  keep: (record: TrialRecord) => Promise<void>;
  /** Asked after each evaluation that was kept: a reason ends training, and what was reached until then is exported. */
  endsBecause: (history: readonly EpochRecord[]) => Promise<string | null>;
}

/**
 * Runs one trial of a job in this process, to its end; one that was cut off goes on from its last finished epoch, to the same numbers.
 * What goes wrong in it is in the record, whose status says how it ended: `Completed`, `Failed`, or `Canceled` when time was up or the
 * signal was aborted.
 *
 * @throws the signal's reason when it is aborted; whatever `keep` and `endsBecause` throw
 */
export async function runJobTrial(trial: JobTrial, options: TrialOptions): Promise<void> {
  const { job, setting, draw, record } = trial;
  const { signal, keep } = options;
  const folder = join(trial.folder, record.name);
  const log = logTrial(folder, job.log_verbosity);
  const endSystemLog = logSystem(folder);
  const report = (event: RunEvent) => {
    log(event);
    options.report(event);
  };
  record.status = 'Running';
  let keeping: unknown;
  try {
    const hyperparameters = trialHyperparameters(job, draw);
    record.model_name = hyperparameters.model_name;
    report({
      ...{ type: 'trial', trial: record.name, index: record.number, trials: job.limits.max_trials },
      ...{ model: record.model_name, hyperparameters: draw, because: record.chosen_because },
    });
    const data = await readPreparedData(job, trial.folder);
    const { timedOut } = await runTrial(record, hyperparameters, {
      ...{ job: job.name, task: job.task, folder, data },
      ...{ cacheFolder: trial.cacheFolder, imageCache: trial.imageCache },
      ...{ weights: setting.weights, earlier: setting.earlier },
      given: new Set(Object.keys({ ...job.training_parameters, ...draw })),
      fitToData: setting.fitToData || jobMode(job) === 'automode',
      ...{ threads: options.threads, report, signal, isTimeUp: options.isTimeUp },
      keep: () =>
        keep(record).catch((error) => {
          keeping = error;
          throw error;
        }),
      endEarly: async (history) => {
        record.ended_because = await options.endsBecause(history);
        if (record.ended_because !== null) report({ type: 'log', level: 'info', message: record.ended_because });
        return record.ended_because !== null;
      },
    });
    if (timedOut) record.ended_because = `the job's time was up after ${record.epochs.at(-1)?.epoch ?? 0} epochs`;
    record.status = timedOut ? 'Canceled' : 'Completed';
  } catch (error) {
    if (signal.aborted || keeping !== undefined) {
      record.status = 'Canceled';
      throw error;
    }
    record.status = 'Failed';
    record.error = error instanceof Error ? error.message : String(error);
    report({ type: 'log', level: 'error', message: `${record.name} failed: ${record.error}` });
  } finally {
    endSystemLog(record.status);
  }
}

/** A trial that has not begun. */
export const freshTrial = (job: string, number: number, chosen_because: string | null = null): TrialRecord => ({
  ...{ name: `${job}_HD_${number}`, number, status: 'NotStarted', chosen_because, ended_because: null },
  ...{ model_name: '', hyperparameters: {}, best_epoch: null, metrics: {}, epochs: [], properties: {} },
  ...{ start_time: null, end_time: null },
});
