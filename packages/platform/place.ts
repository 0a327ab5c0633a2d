import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { jobFolder } from '@fovea/automl/runs';

/** Where a workspace is: a folder for files, and a database. */
export interface Place {
  /** Absolute. */
  readonly folder: string;
  /** Of the folder, whatever path leads to it: a team's database knows jobs of several folders. */
  readonly id: string;
  /** Address of a PostgreSQL database; Default: SQLite in the folder. */
  readonly database?: string | undefined;
  /** What names it behind a command that is to be typed next, as ` --workspace lab`; nothing where none is needed. */
  readonly words?: string | undefined;
}

export const cacheFolderOf = ({ folder }: Pick<Place, 'folder'>): string => join(folder, 'cache');

/** A trial's own folder, in that of its job. @throws Error for a name that cannot be a trial's */
export function trialFolderOf({ folder }: Pick<Place, 'folder'>, trial: string): string {
  const job = /^(.+)_HD_\d+$/.exec(trial)?.[1];
  if (job === undefined) throw new Error(`"${trial}" cannot be a trial's name: that is its job's, _HD_ and a number`);
  return join(jobFolder(folder, job), trial);
}

/** Finds out where a workspace is, and makes its folder where there is none. */
export function placeOf({ folder: given, database, words }: Pick<Place, 'folder' | 'database' | 'words'>): Place {
  const folder = resolve(given);
  mkdirSync(folder, { recursive: true });
  return { folder, id: identity(folder), database: (database ?? process.env.FOVEA_DATABASE) || undefined, words };
}

function identity(folder: string): string {
  const path = join(folder, 'workspace.json');
  const read = (): string | null => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')).id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  const known = read();
  if (known !== null) return known;
  // Of two processes that do this at once one wins: a link does not replace a file.
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify({ id: randomUUID() })}\n`, { flush: true });
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return read() as string;
}
