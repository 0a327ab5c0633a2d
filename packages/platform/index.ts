export type { Artefact } from './artefacts.ts';
export type { OpenWorkspace, WorkspaceAddress } from './open-workspace.ts';
export {
  endedStatuses,
  hasEnded,
  type JobRecord,
  type JobStatus,
  type JobSummary,
  type MetricPoint,
  type TrialRecord,
  type TrialSummary,
} from './records.ts';
export type { JobFilter, SubmitOptions, WatchOptions, Workspace } from './workspace.ts';
