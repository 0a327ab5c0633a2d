import type {
  AssetKind,
  AssetRow,
  ComputeRow,
  JobListRow,
  JobRow,
  Lease,
  MetricPoint,
  ProcessRow,
  ResourceRow,
  SlotCounts,
  SlotRow,
  Status,
  TrialRow,
} from './rows.ts';

/**
 * Everything that must last, in one database: SQLite or PostgreSQL, which behave alike (one suite of tests runs on both). Each call is one
 * transaction: it happened wholly or not at all, and once its promise is fulfilled, a killed process does not undo it.
 *
 * Writes that give an `owner` happen only while that process holds the lease of the row; `false` says that it lost it and should end.
 *
 * All calls throw `StoreUnavailable` when the database cannot be reached or written.
 */
export interface Store {
  /** What people call it: the path of the file, or the address without its password. */
  readonly place: string;
  readonly jobs: Jobs;
  readonly trials: Trials;
  readonly metrics: Metrics;
  readonly assets: Assets;
  readonly computes: Computes;
  readonly processes: Processes;
  readonly resources: Resources;
  /** Waits for what is under way, and gives the database back. */
  close(): Promise<void>;
}

/** A part of a list. */
export interface Page<Row> {
  rows: Row[];
  /** For `after` of the next part; null when there is no more. Nothing is shown twice or left out by what is added meanwhile. */
  next: string | null;
}

export interface PageRequest {
  /** At most so many rows. Default: all. */
  readonly most?: number;
  /** `next` of the part before. */
  readonly after?: string;
}

/** Archived rows are hidden unless they are asked for. */
export type Archived = 'active' | 'archived' | 'all';

/** A write that may be bound to a lease. */
export interface IfOwned {
  /** The write happens only while this process holds the row's lease. */
  readonly owner?: string;
}

/** A change of status that happens only from certain ones. */
export interface Transition<Changes> extends IfOwned {
  readonly from: readonly Status[];
  readonly to: Status;
  /** Written with it. */
  readonly set?: Changes;
  /** Gives the lease up with it. */
  readonly release?: boolean;
}

/** Leases of rows by name. Of several processes that try the same at the same time, one is told `true`. */
export interface Leases {
  /** Takes a lease that nobody holds. */
  claim(name: string, owner: string): Promise<boolean>;
  /** Takes a lease from who held it when it was `seen`; false when that one has beaten since, or another was faster. */
  takeOver(name: string, seen: Lease, owner: string): Promise<boolean>;
  /** Says that the owner is alive. @returns false when it no longer holds the lease */
  beat(name: string, owner: string): Promise<boolean>;
  /** `beat` for all rows that the owner holds. @returns their names */
  beatAll(owner: string): Promise<string[]>;
  /** Hands a lease from one process to another, say from the orchestrator to the process it started. */
  handOver(name: string, from: string, to: string): Promise<boolean>;
  /** Gives a lease up. @returns false when the owner did not hold it */
  release(name: string, owner: string): Promise<boolean>;
}

/** A job as it is submitted. */
export type NewJob = Pick<JobRow, 'name' | 'type' | 'spec' | 'setting' | 'display_name' | 'experiment_name'> &
  Partial<
    Pick<JobRow, 'task' | 'status' | 'description' | 'compute' | 'tags' | 'properties' | 'primary_metric' | 'owner'>
  >;

export type JobChanges = Partial<
  Pick<
    JobRow,
    | 'setting'
    | 'measured'
    | 'display_name'
    | 'experiment_name'
    | 'description'
    | 'compute'
    | 'tags'
    | 'properties'
    | 'archived'
    | 'start_time'
    | 'end_time'
    | 'seconds_used'
    | 'primary_metric'
    | 'best_trial'
    | 'error'
  >
>;

export interface JobFilter extends PageRequest {
  /** Default: `active`. */
  readonly archived?: Archived;
  readonly status?: readonly Status[];
  readonly experiment?: string;
  readonly type?: string;
  /** Has this tag; with this value when there is one. */
  readonly tag?: { readonly key: string; readonly value?: string };
}

export interface Jobs extends Leases {
  /** @param job of status `NotStarted` and owned by nobody unless it says otherwise. @throws NameTaken */
  add(job: NewJob): Promise<JobRow>;
  find(name: string): Promise<JobRow | null>;
  /** Newest first. @throws RangeError for an `after` that no list gave */
  list(filter?: JobFilter): Promise<Page<JobListRow>>;
  /** All that have not ended, oldest first. */
  unfinished(): Promise<JobRow[]>;
  /** @returns whether the job was there (and owned, where that is asked for) */
  patch(name: string, changes: JobChanges, condition?: IfOwned): Promise<boolean>;
  /** @returns whether it happened */
  transition(name: string, transition: Transition<JobChanges>): Promise<boolean>;
  /** Removes an ended job with its trials and their metrics. @returns false when it is not there or has not ended */
  delete(name: string): Promise<boolean>;
}

/** A trial as it is chosen. */
export type NewTrial = Pick<TrialRow, 'name' | 'job' | 'number' | 'draw' | 'chosen_because'> &
  Partial<Pick<TrialRow, 'status' | 'model_name' | 'hyperparameters' | 'properties' | 'device' | 'owner' | 'attempts'>>;

export type TrialChanges = Partial<
  Pick<
    TrialRow,
    | 'ended_because'
    | 'model_name'
    | 'hyperparameters'
    | 'best_epoch'
    | 'metrics'
    | 'properties'
    | 'error'
    | 'start_time'
    | 'end_time'
    | 'attempts'
    | 'device'
  >
>;

export interface TrialFilter extends PageRequest {
  readonly job?: string;
  readonly status?: readonly Status[];
}

export interface Trials extends Leases {
  /**
   * @param trial of status `NotStarted` and owned by nobody unless it says otherwise
   * @param condition the lease of its job
   * @returns false when its job has a trial of this number already, or the condition does not hold
   * @throws NameTaken for a name that a trial of another number or job has
   */
  add(trial: NewTrial, condition?: { readonly jobOwner?: string }): Promise<boolean>;
  find(name: string): Promise<TrialRow | null>;
  /** Those of these names that are there, in no certain order. */
  findAll(names: readonly string[]): Promise<TrialRow[]>;
  /** All of a job, by number. */
  ofJob(job: string): Promise<TrialRow[]>;
  /** By number within a job, jobs newest first. @throws RangeError for an `after` that no list gave */
  list(filter?: TrialFilter): Promise<Page<TrialRow>>;
  /** @returns whether the trial was there (and owned, where that is asked for) */
  patch(name: string, changes: TrialChanges, condition?: IfOwned): Promise<boolean>;
  /** A trial that ends gives its slots back. @returns whether it happened */
  transition(name: string, transition: Transition<TrialChanges>): Promise<boolean>;
}

export interface Metrics {
  /**
   * Keeps points. One that is there already stays as it is, so writing the same again changes nothing.
   * @returns false when the owner that is given does not hold the lease of the trial: then nothing is written
   * @throws Error when there is no such trial
   */
  record(trial: string, points: readonly MetricPoint[], condition?: IfOwned): Promise<boolean>;
  /** By step, then name. @param filter steps `from` and `to` included */
  ofTrial(
    trial: string,
    filter?: { readonly name?: string; readonly from?: number; readonly to?: number },
  ): Promise<MetricPoint[]>;
  /** One metric of all trials of a job, by number of the trial and step. */
  ofJob(job: string, name: string): Promise<(MetricPoint & { trial: string; number: number })[]>;
  /** Names of the metrics of a trial, sorted. */
  names(trial: string): Promise<string[]>;
}

/** An asset as it is registered. */
export type NewAsset = Pick<AssetRow, 'kind' | 'name' | 'spec'> &
  Partial<Omit<AssetRow, 'kind' | 'name' | 'spec' | 'sequence' | 'archived' | 'created_at'>>;

export interface AssetFilter extends PageRequest {
  readonly kind?: AssetKind;
  /** All versions of this name. Without it, lists have the newest version of each name. */
  readonly name?: string;
  /** Default: `active`. */
  readonly archived?: Archived;
  /** With this content. Lists then have every version. */
  readonly contentHash?: string;
}

export interface Assets {
  /** @param asset without a version it gets the next whole number. @throws NameTaken for a version that is there already */
  add(asset: NewAsset): Promise<AssetRow>;
  /** @param version a version, `@latest` (the newest that is not archived) or `@<label>` */
  find(kind: AssetKind, name: string, version: string): Promise<AssetRow | null>;
  /** Newest first. @throws RangeError for an `after` that no list gave */
  list(filter?: AssetFilter): Promise<Page<AssetRow>>;
  /** @returns whether it was there */
  patch(
    kind: AssetKind,
    name: string,
    version: string,
    changes: Partial<Pick<AssetRow, 'description' | 'tags' | 'properties'>>,
  ): Promise<boolean>;
  /** Puts a label on this version, and takes it from the one that had it. @returns whether the version was there */
  label(kind: AssetKind, name: string, version: string, label: string): Promise<boolean>;
  /** @returns whether the label was there */
  removeLabel(kind: AssetKind, name: string, label: string): Promise<boolean>;
  /** Removes a version. Its number is not given again while there is a later one. @returns whether it was there */
  delete(kind: AssetKind, name: string, version: string): Promise<boolean>;
  /** Hides or shows one version, or all of a name. @returns whether there was one */
  setArchived(kind: AssetKind, name: string, version: string | null, archived: boolean): Promise<boolean>;
}

export interface Computes {
  /** Adds a compute, or replaces what is known of it. Slots that are held stay held until they are freed. */
  put(compute: Pick<ComputeRow, 'name' | 'type' | 'spec' | 'cpu' | 'gpu'>): Promise<ComputeRow>;
  find(name: string): Promise<ComputeRow | null>;
  /** By name. */
  list(): Promise<ComputeRow[]>;
  /** @returns false when it is not there, or a slot of it is held */
  delete(name: string): Promise<boolean>;
  /**
   * Takes slots for a trial, all that it wants or none. What it held on this compute is given back with it.
   * @returns the slots, cores before GPUs, lowest numbers first; null when there are not enough
   * @throws Error when there is no such compute or trial, or the trial has ended; RangeError when the compute has too few even when all are free
   */
  claim(compute: string, trial: string, wanted: Partial<SlotCounts>): Promise<SlotRow[] | null>;
  /** Gives back all that a trial holds. A trial that ends does so by itself. */
  free(trial: string): Promise<void>;
  /** Slots that are held, of a compute or of a trial. */
  held(of: { readonly compute: string } | { readonly trial: string }): Promise<SlotRow[]>;
}

export interface Processes {
  add(process: Pick<ProcessRow, 'owner' | 'kind' | 'host' | 'pid'>): Promise<void>;
  /** @returns false when somebody took it for dead and removed it */
  beat(owner: string): Promise<boolean>;
  /** @returns whether it was there */
  remove(owner: string): Promise<boolean>;
  /** Oldest first. */
  list(kind?: string): Promise<ProcessRow[]>;
}

/** A write that happens only while nobody else has written. */
export interface IfUnchanged {
  /** The revision that the row must have. */
  readonly revision?: number;
}

/** What has a name of its kind and no history. */
export interface Resources {
  /** @returns null when there is one of this kind and name */
  add(kind: string, name: string, spec: object, more?: { readonly archived?: boolean }): Promise<ResourceRow | null>;
  /** Replaces what is given. @returns null when it is not there, or has another revision than asked for */
  change(
    kind: string,
    name: string,
    changes: Partial<Pick<ResourceRow, 'spec' | 'archived'>>,
    condition?: IfUnchanged,
  ): Promise<ResourceRow | null>;
  find(kind: string, name: string): Promise<ResourceRow | null>;
  /** Newest first. @throws RangeError for an `after` that no list gave */
  list(kind: string, filter?: PageRequest & { readonly archived?: Archived }): Promise<Page<ResourceRow>>;
  /** @returns whether it was there, and unchanged where that is asked for */
  delete(kind: string, name: string, condition?: IfUnchanged): Promise<boolean>;
}
