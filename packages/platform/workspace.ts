import type { ImageJob, Report, RunEvent } from '@fovea/automl';
import type { Artefact } from './artefacts.ts';
import type { JobRecord, JobSummary, TrialRecord, TrialSummary } from './records.ts';
import type { MetricPoint } from './store/index.ts';

/** Which jobs a list has. */
export interface JobFilter {
  /** Archived jobs are hidden unless they are asked for. Default: `active`. */
  readonly archived?: 'active' | 'archived' | 'all';
  /** At most so many, the newest. Default: all. */
  readonly most?: number;
}

export interface SubmitOptions {
  /** Where the job's relative paths begin: the folder of the job file. */
  readonly baseFolder: string;
  /** A checkpoint's path, `none` for random weights, or nothing for published weights where they can be had. */
  readonly weights?: string | undefined;
  /** Choose what the job leaves open by the amount of data, as AutoMode does, instead of the documented defaults. */
  readonly fitToData?: boolean;
  /** Is told how the reading and opening of the data goes on, and what is odd about it. */
  readonly onEvent?: Report;
  /** Ends the reading; nothing is stored then. */
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  /**
   * What happens, in the order in which it happened within a trial; of a job that has been running for a while, what happened before
   * comes first (all but its steps, of which there is the last). `done` is never among it.
   * @param trial the trial that says it; null for what is said of the job as a whole
   * @param number the how-manieth event that is kept of this trial (or of the job as a whole), from 1; null for steps, and what is said in
   * passing
   */
  readonly onEvent: (event: RunEvent, trial: string | null, number: number | null) => void;
  /** How many of the kept events of each trial (and, under `''`, of the job as a whole) are known already, and are not told again. */
  readonly after?: Readonly<Record<string, number>>;
  /** Ends the watching, not the job: `watch` returns the record as it is then. */
  readonly signal?: AbortSignal;
}

/**
 * Everything that is known of jobs, and the one way to start and end them, on this machine or on a server. Rows in a database and files
 * in a folder are all of it: jobs run in processes of their own, which go on when this one ends.
 */
export interface Workspace {
  /** Where it is, for people: an absolute folder, or the address of a server. */
  readonly address: string;

  /**
   * Checks the data and opens every image, stores the job, and sees to it that a process works on it.
   * @returns the record of the job, `Queued`
   * @throws IssuesError for data that is not right, WeightsError for a named checkpoint that is not, Error for a name that is taken, the
   * signal's reason: nothing is stored then
   */
  submit(job: ImageJob, options: SubmitOptions): Promise<JobRecord>;

  /**
   * Goes on with a job that was canceled, failed, or ran out of time: trials that did not complete, from their last finished epoch.
   * A job that ran out of time gets its time once more. One that is running already is left alone, but for a process that works on it
   * where there is none.
   * @param options.onEvent is told what has changed in the data since, as in `submit`
   * @throws Error when there is no such job, or it is completed; IssuesError when its images are not there any more
   */
  resume(name: string, options?: Pick<SubmitOptions, 'onEvent' | 'signal'>): Promise<JobRecord>;

  /**
   * The record of a job as `fovea job show` prints it, with its trials; null when there is none. Of a job that has not ended, and whose
   * process died, this starts another, as `jobs` and `watch` do.
   */
  job(name: string): Promise<JobRecord | null>;
  /** Newest first. */
  jobs(filter?: JobFilter): Promise<JobSummary[]>;
  /** The record of a trial with its evaluations; null when there is none. */
  trial(name: string): Promise<TrialRecord | null>;
  /** The trials of a job, in the order in which they were chosen. @throws Error when there is no such job */
  trials(job: string): Promise<TrialSummary[]>;
  /** Points of a trial's metrics by step (the epoch, from 1), of one metric or of all. @throws Error when there is no such trial */
  metrics(trial: string, filter?: { readonly name?: string }): Promise<MetricPoint[]>;

  /**
   * Hands on what happens in a job until it ends or the signal is aborted. Several may watch at the same time, and begin when they like;
   * of a job that has ended already they see what happened.
   * @returns the record of the job at that moment
   * @throws Error when there is no such job
   */
  watch(name: string, options: WatchOptions): Promise<JobRecord>;

  /**
   * Asks a job to end. Its trials are out within two seconds; each keeps its last checkpoint and the weights of its best epoch, from which
   * `resume` goes on.
   * @returns the record with status `CancelRequested`, or as it is when the job has ended already
   * @throws Error when there is no such job
   */
  cancel(name: string): Promise<JobRecord>;

  /** Hides an ended job from the list. @throws Error when there is no such job, or it has not ended */
  archive(name: string): Promise<void>;
  /** Undoes `archive`. @throws Error when there is no such job */
  restore(name: string): Promise<void>;
  /** Removes an ended job: rows and files. @throws Error when there is no such job, or it has not ended */
  delete(name: string): Promise<void>;
  /** Replaces what is given of tags and properties. @throws Error when there is no such job */
  update(
    name: string,
    changes: { readonly tags?: Record<string, string>; readonly properties?: Record<string, string> },
  ): Promise<JobRecord>;

  /** The log of a trial from a byte on; empty while there is none. @throws Error when there is no such trial */
  log(trial: string, from?: number): Promise<Uint8Array>;
  /**
   * The files that a trial left in `outputs/` and `train_artifacts/`, with their SHA-256; empty while it has not ended.
   * @throws Error when there is no such trial
   */
  artefacts(trial: string): Promise<readonly Artefact[]>;
  /**
   * Copies one of them to a file, in place of one of that name. What comes from a server is checked against its SHA-256.
   * @throws Error when the trial has left no such file
   */
  saveArtefact(trial: string, artefact: Artefact, to: string): Promise<void>;
  /**
   * The folder of the model of a job's best trial on this machine, which nobody may change; from a server it is fetched once.
   * @returns null when the job has no model
   * @throws Error when there is no such job
   */
  modelFolder(job: string): Promise<string | null>;

  /** Gives the database back, or ends the connections to the server; jobs go on. */
  close(): Promise<void>;
}

/** A workspace whose files are on this machine. */
export interface LocalWorkspace extends Workspace {
  /** Absolute. */
  readonly folder: string;
  /** @throws Error for a name that cannot be a job's */
  jobFolder(name: string): string;
  /** The folder of a trial, which `writeTrialOutputs` of `@fovea/automl` describes. @throws Error for a name that cannot be a trial's */
  trialFolder(name: string): string;
  /** The log of a trial, which may not be there yet. @throws Error for a name that cannot be a trial's */
  trialLog(name: string): string;
}
