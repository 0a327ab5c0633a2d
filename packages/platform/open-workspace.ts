import type { Workspace } from './workspace.ts';

export interface WorkspaceAddress {
  /** Folder of the workspace, usually `.fovea`; made when it is not there. */
  readonly folder: string;
  /** `postgres://…` of a team's database. Default: `FOVEA_DATABASE`, or else SQLite in the folder. */
  readonly database?: string;
}

/** @throws Error when the database cannot be reached, or is newer than this program */
export type OpenWorkspace = (address: WorkspaceAddress) => Promise<Workspace>;
