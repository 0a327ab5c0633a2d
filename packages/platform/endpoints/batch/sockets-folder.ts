import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { writeFileWhole } from '@fovea/automl/runs';
import type { BatchPaths } from './batch-job.ts';

const lead = 'fovea-batch-';

/** A folder for sockets that nobody else can enter. A job notes where it is, so that what a killed process left is found. */
export function makeSockets(paths: Pick<BatchPaths, 'sockets'>): string {
  removeSockets(paths);
  const folder = mkdtempSync(join(tmpdir(), lead));
  writeFileWhole(paths.sockets, JSON.stringify({ folder }));
  return folder;
}

/** Removes the folder of a job's sockets, none of whose processes is at work any more. */
export function removeSockets({ sockets }: Pick<BatchPaths, 'sockets'>): void {
  let folder: string;
  try {
    ({ folder } = JSON.parse(readFileSync(sockets, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (basename(folder).startsWith(lead)) rmSync(folder, { recursive: true, force: true });
  rmSync(sockets, { force: true });
}
