import { resolve } from 'node:path';
import type { JobRecord, Workspace } from '@fovea/platform';
import { CommandFailure, UsageError } from './failure.ts';
import { printable } from './printable.ts';
import type { Services } from './services.ts';

/** Which workspace a command is for. */
export interface WorkspaceOptions {
  readonly workspace: string;
  readonly database?: string;
}

/** The folder that is meant when nothing is said. */
export const usualFolder = (): string => process.env.FOVEA_HOME || '.fovea';

/** The address of another database than the workspace's own, where one is given. @throws UsageError for what is none */
export function databaseOf({ database }: Pick<WorkspaceOptions, 'database'>): { readonly database?: string } {
  if (database === undefined) return {};
  if (/^postgres(ql)?:\/\//.test(database)) return { database };
  throw new UsageError(
    `--database ${database} is no address of a PostgreSQL database`,
    '--database postgres://user@host/name; without it, jobs are kept in a file of the workspace',
  );
}

/** Opens the workspace of a command for as long as `work` takes. */
export async function withWorkspace<T>(
  { services }: { readonly services: Services },
  options: WorkspaceOptions,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const { openWorkspace } = await services.platform();
  const workspace = await openWorkspace({ folder: resolve(options.workspace), ...databaseOf(options) });
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}

/** The record of a job. @throws CommandFailure when the workspace has none of that name */
export async function jobNamed(workspace: Workspace, options: WorkspaceOptions, name: string): Promise<JobRecord> {
  const record = await workspace.job(name);
  if (record !== null) return record;
  throw new CommandFailure(`there is no job called ${printable(name)} in ${options.workspace}`, {
    hint: `fovea job list${workspaceWords(options)} -o table shows those that are`,
  });
}

/** The words that name the workspace in a command to type next; none for the usual one. */
export function workspaceWords({ workspace, database }: WorkspaceOptions): string {
  const folder = workspace === usualFolder() ? '' : ` --workspace ${quoted(workspace)}`;
  if (database === undefined) return folder;
  // A password is not for the screen.
  return `${folder} --database ${/:\/\/[^/@]*:[^/@]*@/.test(database) ? '…' : quoted(database)}`;
}

/** As a shell needs it. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
