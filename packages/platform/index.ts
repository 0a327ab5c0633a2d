export type { Artefact } from './artefacts.ts';
export { type OpenWorkspace, openWorkspace, type WorkspaceAddress } from './open-workspace.ts';
export {
  hasEnded,
  type JobRecord,
  type JobStatus,
  type JobSummary,
  type TrialRecord,
  type TrialSummary,
} from './records.ts';
export type { MetricPoint } from './store/index.ts';
export type { JobFilter, LocalWorkspace, SubmitOptions, WatchOptions, Workspace } from './workspace.ts';
