/** What the process of a job that scores pictures is told by the one that starts it. */
export interface BatchTask {
  /** Of the workspace. */
  readonly folder: string;
  readonly job: string;
  /** Token of the process that holds the job's lease and hands it over. */
  readonly from: string;
}

/** Exit codes. Whatever becomes of the job is in the store. */
export const batchExit = {
  done: 0,
  /** The lease had gone to another. */
  notMine: 3,
} as const;
