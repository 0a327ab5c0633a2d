import { rmSync } from 'node:fs';
import { jobFolder } from '@fovea/automl/runs';
import type { Place } from './place.ts';
import type { JobRow, Store } from './store/index.ts';

/**
 * Removes a job whose data was being read by a process that is gone: it was never submitted.
 * @param owner token of this process
 * @returns false when another was faster
 */
export async function removeUnsubmitted(place: Place, store: Store, job: JobRow, owner: string): Promise<boolean> {
  if (!(await store.jobs.takeOver(job.name, job, owner))) return false;
  return forget(place, store, job.name, owner);
}

/** Removes a job that this process has been preparing. @returns false when it does not hold its lease */
export async function forget(place: Place, store: Store, name: string, owner: string): Promise<boolean> {
  const from = ['Preparing', 'CancelRequested'] as const;
  if (!(await store.jobs.transition(name, { from, to: 'Canceled', owner }))) return false;
  // The files first: when the row is gone, the name is free for another job.
  rmSync(jobFolder(place.folder, name), { recursive: true, force: true });
  return store.jobs.delete(name);
}
