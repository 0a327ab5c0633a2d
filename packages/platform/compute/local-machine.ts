import { spawnSync } from 'node:child_process';
import { availableParallelism, hostname } from 'node:os';
import type { ImageJob } from '@fovea/automl';
import type { ComputeRow, SlotCounts, SlotRow } from '../store/index.ts';

/** What trials can have of this machine: the compute `local`. */
export interface Machine {
  readonly host: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** The GPUs, as `CUDA_VISIBLE_DEVICES` names them. A trial has one for itself. */
  readonly gpus: readonly string[];
}

export const thisMachine = (): Machine => ({
  host: hostname(),
  cores: availableParallelism(),
  gpus: visibleGpus(process.env, listGpus),
});

/**
 * The GPUs that processes of this one may use.
 * @param list `nvidia-smi -L`: a line for each; empty where there is no such program
 */
export function visibleGpus(env: NodeJS.ProcessEnv, list: () => string): string[] {
  const chosen = env.CUDA_VISIBLE_DEVICES;
  if (chosen === undefined) return Array.from(list().matchAll(/^GPU (\d+):/gm), ([, index]) => index);
  const names = chosen.split(',').map((name) => name.trim());
  // As CUDA reads it: what stands behind a device that is none does not count.
  const end = names.findIndex((name) => name === '' || name.startsWith('-'));
  return end < 0 ? names : names.slice(0, end);
}

function listGpus(): string {
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : '';
}

/** The machine as a row of the store; of the machines that share a database each has its own. */
export const localCompute = ({ host, cores, gpus }: Machine): Omit<ComputeRow, 'created_at'> => ({
  name: `local@${host}`,
  type: 'local',
  spec: {},
  cpu: cores,
  gpu: gpus.length,
});

/** What a trial of a job gets of a machine. */
export interface Share {
  /** Trials of the job at the same time. */
  readonly concurrent: number;
  /** CPU threads of each. */
  readonly threads: number;
  readonly wanted: Partial<SlotCounts>;
  /** The compute of which each trial takes an instance, too; null: that of the machine alone. */
  readonly instanceOf: string | null;
}

/**
 * As many trials at the same time as the job asks for, where each has a GPU; or, on a machine without any, at least a core. The cores are
 * shared among them.
 * @param on the compute that the job names, where there is one
 */
export function shareOf(
  { cores, gpus }: Pick<Machine, 'cores' | 'gpus'>,
  limits: ImageJob['limits'],
  on: { readonly name: string; readonly maxInstances: number } | null = null,
): Share {
  const most = Math.min(limits.max_concurrent_trials, limits.max_trials, on?.maxInstances ?? Number.POSITIVE_INFINITY);
  const instanceOf = on?.name ?? null;
  if (gpus.length > 0) {
    const threads = Math.max(1, Math.floor(cores / gpus.length));
    return { concurrent: Math.min(most, gpus.length), threads, wanted: { gpu: 1 }, instanceOf };
  }
  const concurrent = Math.min(most, cores);
  const threads = Math.floor(cores / concurrent);
  return { concurrent, threads, wanted: { cpu: threads }, instanceOf };
}

/** What a trial runs on, in words, and what its process must be told for that. */
export function placement(
  { gpus }: Pick<Machine, 'gpus'>,
  { threads }: Pick<Share, 'threads'>,
  slots: readonly Pick<SlotRow, 'kind' | 'number'>[],
): { device: string; environment: Record<string, string> } {
  const gpu = slots.find(({ kind }) => kind === 'gpu');
  const environment = { OMP_NUM_THREADS: String(threads) };
  if (gpu === undefined) return { device: `cpu: ${threads} ${threads === 1 ? 'thread' : 'threads'}`, environment };
  return {
    device: `cuda:${gpus[gpu.number]}`,
    environment: { ...environment, CUDA_VISIBLE_DEVICES: gpus[gpu.number] },
  };
}
