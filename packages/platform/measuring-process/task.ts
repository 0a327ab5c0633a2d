/** What the process that times models is told by the one that starts it. */
export interface MeasuringTask {
  /** Of the workspace. */
  readonly folder: string;
  readonly job: string;
  /** Token of the process that holds the job's lease. */
  readonly from: string;
  /** That a trial will have. */
  readonly threads: number;
}
