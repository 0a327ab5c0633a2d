import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jobFolder } from '@fovea/automl/runs';
import { cacheFolderOf, type Place } from '../place.ts';

/** On a machine of its own, a process that is not there may be at work on another's files. */
const oldMilliseconds = 60_000;

/**
 * Files are written under temporary names; those of a process that was killed stay behind. Removes those of a job, none of whose processes
 * is at work any more, and those that processes which are gone have left in the cache.
 */
export function removeHalfWritten(place: Place, job: string): void {
  for (const path of filesBelow(jobFolder(place.folder, job))) {
    if (/\.(tmp|old)$/.test(path)) rmSync(path, { recursive: true, force: true });
  }
  for (const path of filesBelow(cacheFolderOf(place))) {
    const pid = writerOf(path);
    if (pid === null || !isGone(pid)) continue;
    if (place.database === undefined || isOld(path)) rmSync(path, { force: true });
  }
}

/** Removes what is left of jobs whose deletion was cut off. */
export function removeDeleted({ folder }: Pick<Place, 'folder'>): void {
  const jobs = join(folder, 'jobs');
  if (!existsSync(jobs)) return;
  for (const name of readdirSync(jobs)) {
    if (/^\..*\.tmp$/.test(name)) rmSync(join(jobs, name), { recursive: true, force: true });
  }
}

const filesBelow = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path))
    : [];

/** The process whose number a temporary file, or the log of a spare process, has in its name, or that a lock names. */
function writerOf(path: string): number | null {
  const pid = /\.(\d+)(?:-\d+)?\.(?:tmp|log)$/.exec(path)?.[1] ?? (path.endsWith('.lock') ? readIfThere(path) : '');
  return pid === '' ? null : Number(pid);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const isOld = (path: string) =>
  Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY) > oldMilliseconds;
