/** What a trial's process is told by the one that starts it. */
export interface TrialTask {
  /** Of the workspace. */
  readonly folder: string;
  readonly trial: string;
  /** Token of the process that holds the trial's lease and hands it over. */
  readonly from: string;
  readonly threads: number;
  /** What it runs on, in words. */
  readonly device: string;
}

/** Exit codes of a trial's process. Whatever becomes of the trial is in the store. */
export const trialExit = {
  done: 0,
  /** The lease had gone to another. */
  notMine: 3,
} as const;
