import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { JobRecord, Workspace } from '@fovea/platform';
import type { ServerAddress } from '@fovea/platform/remote';
import { CommandFailure, UsageError } from './failure.ts';
import { printable } from './printable.ts';
import type { Services } from './services.ts';

/** Which workspace a command is for. */
export interface WorkspaceOptions {
  readonly workspace: string;
  readonly database?: string;
  /** Instead of both: that of a server. */
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
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

/** The server that is meant, with the token that is shown to it; null: none is. @throws UsageError for a token that cannot be one */
export async function serverAddress({ server, tokenFile, ca }: WorkspaceOptions): Promise<ServerAddress | null> {
  if (server === undefined) return null;
  const given = tokenFile === undefined ? process.env.FOVEA_TOKEN : await readToken(tokenFile);
  const token = given?.trim() || null;
  if (token !== null && !/^fovea\.[\w-]+\.[\w-]+$/.test(token)) {
    const where = tokenFile === undefined ? 'FOVEA_TOKEN' : tokenFile;
    throw new UsageError(`${where} is no token`, 'a token reads fovea.<name>.<secret>; fovea token create makes one');
  }
  const authority = ca ?? (process.env.FOVEA_CA || undefined);
  return { url: server, token, ...(authority !== undefined && { ca: authority }) };
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`the token cannot be read from ${file}: ${(error as Error).message}`);
  }
}

/** Opens the workspace of a command for as long as `work` takes. */
export async function withWorkspace<T>(
  { services }: { readonly services: Services },
  options: WorkspaceOptions,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = await opened(services, options);
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}

async function opened(services: Services, options: WorkspaceOptions): Promise<Workspace> {
  const server = await serverAddress(options);
  if (server !== null) return (await services.remote()).openRemoteWorkspace(server);
  const { openWorkspace } = await services.platform();
  return openWorkspace({
    folder: resolve(options.workspace),
    words: workspaceWords(options),
    ...databaseOf(options),
  });
}

/** The record of a job. @throws CommandFailure when the workspace has none of that name */
export async function jobNamed(workspace: Workspace, options: WorkspaceOptions, name: string): Promise<JobRecord> {
  const record = await workspace.job(name);
  if (record !== null) return record;
  throw new CommandFailure(`there is no job called ${printable(name)} ${placeWords(options)}`, {
    hint: `fovea job list${workspaceWords(options)} -o table shows those that are`,
  });
}

/** `in .fovea`, or `on https://vision.example:7040`. */
export const placeWords = ({ workspace, server }: WorkspaceOptions): string =>
  server === undefined ? `in ${workspace}` : `on ${printable(server)}`;

/** The words that name the workspace in a command to type next; none for the usual one. */
export function workspaceWords({ workspace, database, server, tokenFile, ca }: WorkspaceOptions): string {
  if (server !== undefined) {
    const address = server === process.env.FOVEA_SERVER ? '' : ` --server ${quoted(server)}`;
    const token = tokenFile === undefined ? '' : ` --token-file ${quoted(tokenFile)}`;
    return `${address}${token}${ca === undefined ? '' : ` --ca ${quoted(ca)}`}`;
  }
  const folder = workspace === usualFolder() ? '' : ` --workspace ${quoted(workspace)}`;
  if (database === undefined) return folder;
  // A password is not for the screen.
  return `${folder} --database ${/:\/\/[^/@]*:[^/@]*@/.test(database) ? '…' : quoted(database)}`;
}

/** As a shell needs it. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
