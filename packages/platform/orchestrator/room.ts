import { jobFolder } from '@fovea/automl/runs';
import type { Share } from '../compute/local-machine.ts';
import { computeNameOf, type NamedCompute, namedCompute } from '../compute/named-compute.ts';
import type { JobRow } from '../store/index.ts';
import { appendEvent } from '../watch/event-files.ts';
import type { Crew } from './crew.ts';

/** The compute that a job names; null: the machine, or a name that nobody has given to anything. */
export async function computeOf(job: JobRow, { store }: Crew): Promise<NamedCompute | null> {
  const name = computeNameOf(job.compute);
  const row = name === 'local' ? null : await store.computes.find(name);
  return row && namedCompute(row);
}

/** Takes an instance of the compute that a trial's job names. @returns false when all of them work, or it is stopped */
export async function takeInstance(trial: string, { instanceOf }: Share, { store }: Crew): Promise<boolean> {
  if (instanceOf === null) return true;
  const row = await store.computes.find(instanceOf);
  if (row === null) return true;
  return row.cpu > 0 && (await store.computes.claim(instanceOf, trial, { cpu: 1 })) !== null;
}

/** What keeps a trial of a job from beginning now, in words; null: nothing. */
export async function whatIsInTheWay(share: Share, crew: Crew): Promise<string | null> {
  const { store, compute, machine, measuring } = crew;
  const here = 'until there is room on this machine, where';
  if (measuring) return `${here} ${running([measuring.job])}`;
  const held = await store.computes.held({ compute });
  const free = (kind: 'cpu' | 'gpu', all: number) => all - held.filter((slot) => slot.kind === kind).length;
  const isEnough =
    (share.wanted.cpu ?? 0) <= free('cpu', machine.cores) &&
    (share.wanted.gpu ?? 0) <= free('gpu', machine.gpus.length);
  if (!isEnough) return `${here} ${running(held.map(jobOf))}`;
  return instancesInTheWay(share, crew);
}

/** The same of the compute that a job names, on a machine with room. */
export async function instancesInTheWay({ instanceOf: name }: Share, { store }: Crew): Promise<string | null> {
  if (name === null) return null;
  const row = await store.computes.find(name);
  if (row === null) return null;
  if (row.cpu === 0) return `until ${name} is started: fovea compute start --name ${name}`;
  const held = await store.computes.held({ compute: name });
  if (held.length < row.cpu) return null;
  return `until there is room on ${name} (max_instances: ${row.cpu}), where ${running(held.map(jobOf))}`;
}

const jobOf = ({ trial }: { trial: string }) => trial.replace(/_HD_\d+$/, '');

function running(jobs: readonly string[]): string {
  const names = [...new Set(jobs)];
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} running`;
}

/** Once, of a job none of whose trials has begun. @param what as `whatIsInTheWay` has it */
export function sayThatItWaits(job: JobRow, what: string, { place, seen }: Crew): void {
  const view = seen.get(job.name);
  if (job.status !== 'Queued' || view === undefined || view.saidThatItWaits) return;
  view.saidThatItWaits = true;
  appendEvent(jobFolder(place.folder, job.name), { type: 'log', level: 'info', message: `waits ${what}` });
}
