import { invalid, Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import type { ComputeRow, Store, TextMap } from '../store/index.ts';

export const namedComputeTypes = ['AmlCompute', 'ComputeInstance'] as const;
export type NamedComputeType = (typeof namedComputeTypes)[number];

export const computeTiers = ['Dedicated', 'LowPriority'] as const;
export type ComputeTier = (typeof computeTiers)[number];

/** What is said of a compute when it is made; names and defaults are Azure's. */
export interface NewCompute {
  readonly name: string;
  readonly type: NamedComputeType;
  readonly description?: string | undefined;
  readonly tags?: TextMap | undefined;
  /** A word for the kind of machine, kept for who asks. */
  readonly size?: string | undefined;
  readonly tier?: ComputeTier | undefined;
  readonly location?: string | undefined;
  /** Trials of jobs that name the compute run at most so many at the same time. Of a ComputeInstance 1. */
  readonly maxInstances?: number | undefined;
  readonly minInstances?: number | undefined;
  readonly idleSeconds?: number | undefined;
}

/** A name for this machine, under which jobs run no more trials at a time than it has instances. */
export interface NamedCompute extends Required<Omit<NewCompute, 'description' | 'size' | 'location'>> {
  readonly description: string | null;
  readonly size: string | null;
  readonly location: string | null;
  /** Of a ComputeInstance: no trial begins before it is started. */
  readonly isStopped: boolean;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** What may change of one. */
export type ComputeChanges = Partial<
  Pick<NewCompute, 'description' | 'tags' | 'maxInstances' | 'minInstances' | 'idleSeconds'>
>;

/** An instance of a compute, and the trial that it works on. */
export interface ComputeNode {
  readonly id: string;
  /** Null: none. */
  readonly trial: string | null;
}

type Spec = Omit<NamedCompute, 'name' | 'type' | 'maxInstances' | 'createdAt'>;

const mostInstances = 10_000;

/** The compute that a job names, without the ways to write it: `gpu`, `azureml:gpu`, an id of REST. */
export const computeNameOf = (compute: string | null): string =>
  (compute ?? 'local').replace(/^azureml:/, '').replace(/^.*\/computes\/([^/]+)\/?$/i, '$1');

/** @returns null for a machine */
export function namedCompute(row: ComputeRow): NamedCompute | null {
  const type = namedComputeTypes.find((one) => one === row.type);
  if (type === undefined) return null;
  const spec = row.spec as Spec & { maxInstances: number };
  return { ...spec, name: row.name, type, createdAt: row.created_at };
}

export async function listNamedComputes(store: Store): Promise<NamedCompute[]> {
  return (await store.computes.list()).flatMap((row) => namedCompute(row) ?? []);
}

/** @throws Refusal when there is none of this name */
export async function findNamedCompute(store: Store, name: string): Promise<NamedCompute> {
  const row = await store.computes.find(checkName(name, 'compute'));
  const found = row && namedCompute(row);
  if (found) return found;
  const names = (await listNamedComputes(store)).map((each) => each.name);
  const there = names.length === 0 ? 'none was made here' : `there is ${names.join(', ')}`;
  throw new Refusal('not-found', 'ComputeNotFound', `there is no compute ${name}; ${there}`);
}

/**
 * Makes a compute, or replaces one of its type.
 * @throws Refusal for what cannot be
 */
export async function putNamedCompute(store: Store, said: NewCompute): Promise<NamedCompute> {
  const name = checkName(said.name, 'compute');
  if (name === 'local') throw invalid('local is the machine itself; choose another name', 'name', 'InvalidName');
  const row = await store.computes.find(name);
  const before = row && namedCompute(row);
  if (before && before.type !== said.type) {
    const message = `there is a compute ${name} of type ${before.type}; delete it, or choose another name`;
    throw new Refusal('conflict', 'ComputeTypeChanged', message, { target: 'properties.computeType' });
  }
  const isInstance = said.type === 'ComputeInstance';
  if (isInstance && (said.maxInstances ?? 1) !== 1)
    throw invalid('a ComputeInstance is one machine; an AmlCompute has max_instances', 'max_instances');
  return write(store, {
    ...{ name, type: said.type, tags: said.tags ?? {}, tier: said.tier ?? 'Dedicated' },
    ...{ description: said.description ?? null, size: said.size ?? null, location: said.location ?? null },
    ...{
      minInstances: said.minInstances ?? (isInstance ? 1 : 0),
      maxInstances: said.maxInstances ?? (isInstance ? 1 : 4),
    },
    ...{ idleSeconds: said.idleSeconds ?? 120, isStopped: before?.isStopped ?? false },
  });
}

/** @throws Refusal when there is none of this name, or for what cannot be */
export async function changeNamedCompute(store: Store, name: string, changes: ComputeChanges): Promise<NamedCompute> {
  const before = await findNamedCompute(store, name);
  if (before.type === 'ComputeInstance' && (changes.maxInstances ?? 1) !== 1)
    throw invalid('a ComputeInstance is one machine', 'max_instances');
  const said = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return write(store, { ...before, ...said });
}

/**
 * Starts or stops a ComputeInstance: while it is stopped, no trial of its jobs begins.
 * @throws Refusal for one of another type, and when trials run on it
 */
export async function setStopped(store: Store, name: string, isStopped: boolean): Promise<NamedCompute> {
  const before = await findNamedCompute(store, name);
  if (before.type !== 'ComputeInstance') {
    const message = `${name} is an AmlCompute, whose instances come and go with its jobs; a ComputeInstance is started and stopped`;
    throw new Refusal('invalid', 'NoComputeInstance', message);
  }
  const [busy] = await store.computes.held({ compute: name });
  if (isStopped && busy) {
    const message = `${busy.trial} runs on ${name}; cancel its job, or wait for its end`;
    throw new Refusal('conflict', 'ComputeInUse', message);
  }
  return write(store, { ...before, isStopped });
}

/** @throws Refusal when there is none of this name, or a job that has not ended names it */
export async function removeNamedCompute(store: Store, name: string): Promise<void> {
  await findNamedCompute(store, name);
  const jobs = (await store.jobs.unfinished()).filter(({ compute }) => computeNameOf(compute) === name);
  const inUse = (words: string) => new Refusal('conflict', 'ComputeInUse', `${words}; cancel it, or wait for its end`);
  if (jobs.length > 0) throw inUse(`the job ${jobs[0].name} is to run on ${name}`);
  if (await store.computes.delete(name)) return;
  const [slot] = await store.computes.held({ compute: name });
  if (slot) throw inUse(`the trial ${slot.trial} runs on ${name}`);
}

/** The instances of a compute, those that work first. */
export async function nodesOf(store: Store, { name, maxInstances }: NamedCompute): Promise<ComputeNode[]> {
  const held = await store.computes.held({ compute: name });
  const busy = held.map(({ number, trial }) => ({ id: `${name}-${number}`, trial }));
  const taken = new Set(held.map(({ number }) => number));
  const idle = Array.from({ length: maxInstances }, (_, number) => number).filter((number) => !taken.has(number));
  return [...busy, ...idle.map((number) => ({ id: `${name}-${number}`, trial: null }))];
}

/** What of a compute is kept and has no effect on a machine of one's own, in words. */
export function withoutEffect({ type, size, tier, location, minInstances, idleSeconds }: NewCompute): string[] {
  const isCluster = type === 'AmlCompute';
  return [
    ...(size === undefined ? [] : [`size: trials get what this machine has, whatever ${size} is elsewhere`]),
    ...(tier === 'LowPriority' ? ['tier: nobody takes this machine away, so nothing is of low priority'] : []),
    ...(location === undefined ? [] : ['location: it is here']),
    ...(isCluster && (minInstances ?? 0) > 0 ? ['min_instances: nothing is kept running between jobs'] : []),
    ...(isCluster && idleSeconds !== undefined ? ['idle_time_before_scale_down: there is nothing to scale down'] : []),
  ];
}

async function write(store: Store, compute: Omit<NamedCompute, 'createdAt' | 'changedAt'>): Promise<NamedCompute> {
  const { name, type, isStopped, ...said } = compute;
  const { minInstances, maxInstances, idleSeconds } = said;
  const whole = (value: number, least: number, key: string, most: number) => {
    if (Number.isSafeInteger(value) && value >= least && value <= most) return;
    throw invalid(`${key} should be a whole number, ${least} … ${most.toLocaleString('en')}, not ${value}`, key);
  };
  whole(maxInstances, 1, 'max_instances', mostInstances);
  whole(minInstances, 0, 'min_instances', mostInstances);
  whole(idleSeconds, 0, 'idle_time_before_scale_down', 1e9);
  if (minInstances > maxInstances)
    throw invalid(`min_instances, ${minInstances}, is above max_instances, ${maxInstances}`, 'min_instances');
  const spec: Spec & { maxInstances: number } = {
    ...{ description: said.description, tags: said.tags, size: said.size, tier: said.tier, location: said.location },
    ...{ minInstances, maxInstances, idleSeconds, isStopped, changedAt: new Date().toISOString() },
  };
  // An instance is a slot, of which a trial takes one beside those of the machine.
  const row = await store.computes.put({ name, type, spec, cpu: isStopped ? 0 : maxInstances, gpu: 0 });
  return namedCompute(row) as NamedCompute;
}
