// What the store keeps, as its users see it. Field names are the columns', which are also those that people and `az ml` write.

import { type RunStatus, runStatuses } from '@fovea/automl/runs';

/** Where a job or a trial stands, as Azure names it. */
export type Status = RunStatus;

export const statuses = runStatuses;

/** Statuses after which nothing more happens by itself. */
export const ended = ['Completed', 'Failed', 'Canceled'] as const satisfies readonly Status[];

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Texts by key. */
export type TextMap = Record<string, string>;

/** What a process holds and keeps alive by counting its beat up; see `LeaseWatch` for when another may take it over. */
export interface Lease {
  /** `processToken` of who works on it; null when nobody does. */
  owner: string | null;
  /** Counted up by the owner every second. */
  beat: number;
}

export interface JobRow extends Lease {
  name: string;
  /** Order of creation, from 1. */
  sequence: number;
  /** `automl`, or a kind of job that came later. */
  type: string;
  /** What is learned, as the job says it; null for jobs that learn nothing. In lists, too. */
  task: string | null;
  status: Status;
  /** The normalised job. */
  spec: object;
  /** What its submission said beside the job: the base folder, weights, and so on. */
  setting: object;
  /** What was measured before the first trial. */
  measured: object | null;
  display_name: string;
  experiment_name: string;
  description: string | null;
  compute: string | null;
  tags: TextMap;
  properties: TextMap;
  archived: boolean;
  /** ISO 8601, UTC, as are all times. */
  created_at: string;
  start_time: string | null;
  end_time: string | null;
  /** That the job has been worked on, by monotonic clocks. */
  seconds_used: number;
  primary_metric: string | null;
  /** Name of a trial. */
  best_trial: string | null;
  error: string | null;
}

/** A job in a list: without what can be long. */
export type JobListRow = Omit<JobRow, 'spec' | 'setting' | 'measured'>;

export interface TrialRow extends Lease {
  name: string;
  job: string;
  /** From 0; a job has each number once. */
  number: number;
  status: Status;
  /** What was drawn from the search space. */
  draw: Record<string, Json>;
  chosen_because: string;
  ended_because: string | null;
  model_name: string | null;
  hyperparameters: Record<string, unknown>;
  best_epoch: number | null;
  /** Of the best epoch. NaN and infinities are kept. */
  metrics: Record<string, number>;
  properties: TextMap;
  error: string | null;
  created_at: string;
  start_time: string | null;
  end_time: string | null;
  /** Processes that were started for it. */
  attempts: number;
  device: string | null;
}

/** A value of a metric. A trial has one at each step of a name. */
export interface MetricPoint {
  name: string;
  /** Whole; of an evaluation the epoch, from 1. */
  step: number;
  /** NaN and infinities are kept. */
  value: number;
  time: string;
}

export type AssetKind = (typeof assetKinds)[number];

export const assetKinds = ['data', 'model', 'environment', 'component'] as const;

export interface AssetRow {
  kind: AssetKind;
  name: string;
  version: string;
  /** Order of creation among all assets, from 1. */
  sequence: number;
  description: string | null;
  spec: object;
  /** Hash of the content; null for what has none. */
  content_hash: string | null;
  /** Each belongs to one version of a name. `latest` is not among them: it is the newest version that is not archived. */
  labels: string[];
  tags: TextMap;
  properties: TextMap;
  archived: boolean;
  /** The job that it came from. */
  job: string | null;
  /** What it was made from: addresses of assets or data. */
  data: string[];
  created_at: string;
}

/** How many slots of each kind. */
export interface SlotCounts {
  cpu: number;
  gpu: number;
}

export interface ComputeRow extends SlotCounts {
  name: string;
  /** `local`: a machine; `AmlCompute`, `ComputeInstance`: a name whose slots are instances. */
  type: string;
  spec: object;
  created_at: string;
}

/** A slot that a trial holds. Slots of a kind are numbered from 0; those of GPUs are their indices. */
export interface SlotRow {
  compute: string;
  kind: keyof SlotCounts;
  number: number;
  trial: string;
}

/** A process that works on what others may take over, an orchestrator for example. */
export interface ProcessRow {
  /** Its `processToken`. */
  owner: string;
  beat: number;
  kind: string;
  host: string;
  pid: number;
  started_at: string;
}

/** Something that has a name of its kind and no history: a datastore, a token, the container of an asset's versions. */
export interface ResourceRow {
  kind: string;
  name: string;
  /** Order of creation among all resources, from 1. */
  sequence: number;
  /** 1, and one more with each change. */
  revision: number;
  archived: boolean;
  created_at: string;
  changed_at: string;
  spec: object;
}
