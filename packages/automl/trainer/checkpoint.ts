import { existsSync } from 'node:fs';
import type { nn, optim } from '@fovea/torch';
import { openSafetensors, Tensor, writeSafetensors } from '@fovea/torch';
import type { EpochRecord } from '../job/job-record.ts';
import type { StopperState } from './early-stopping.ts';
import type { Precision } from './precision.ts';
import type { WeightAverage, WeightAverageState } from './weight-average.ts';

/** Where training stands after an epoch; with the tensors, all that is needed to go on as if nothing had happened. */
export interface Progress {
  /** Epochs that are finished. */
  epochs: number;
  best: EpochRecord | null;
  stopper: StopperState;
  history: EpochRecord[];
  precision: Precision;
  /** In how many pieces a batch is computed, for want of memory. */
  pieces: { training: number; validation: number };
  /** Training stopped here by itself, early. */
  stopped: boolean;
  /** Seconds of training so far, in all sessions. */
  seconds: number;
}

const MODEL = 'model.';
const OPTIMIZER = 'optimizer.';
const AVERAGE = 'average.';
const RANDOM = 'random';

type AnyOptimizer = optim.Optimizer<optim.GroupOptions>;

/**
 * Writes model, the average of its weights, optimiser, random state and progress as one file, under a temporary name first: a crash
 * leaves the old one whole.
 */
export async function saveCheckpoint(
  path: string,
  {
    model,
    optimizer,
    average,
    random,
    progress,
  }: {
    model: nn.AnyModule;
    optimizer: AnyOptimizer;
    average: WeightAverage | null;
    random: Uint8Array;
    progress: Progress;
  },
): Promise<void> {
  const { tensors, settings } = optimizer.stateDict();
  using randomState = Tensor.fromBytes(random, 'uint8', [random.length]);
  const entries = new Map<string, Tensor>([[RANDOM, randomState]]);
  for (const [name, tensor] of model.stateDict()) entries.set(MODEL + name, tensor);
  for (const [name, tensor] of tensors) entries.set(OPTIMIZER + name, tensor);
  const averaged = average?.state();
  for (const [name, tensor] of averaged?.tensors ?? []) entries.set(AVERAGE + name, tensor);
  await writeSafetensors(path, entries, {
    format: 'fovea-checkpoint-1',
    progress: JSON.stringify(progress),
    optimizer: JSON.stringify(settings),
    ...(averaged && { averaged_updates: String(averaged.updates) }),
  });
}

/** What is not loaded into something that is there already. */
export interface LoadedCheckpoint {
  progress: Progress;
  random: Uint8Array;
  /** Its tensors are the receiver's to free. */
  average: WeightAverageState | null;
}

/** Loads what `saveCheckpoint` wrote. @returns null where there is no file @throws CheckpointError for a damaged one */
export async function loadCheckpoint(
  path: string,
  { model, optimizer }: { model: nn.AnyModule; optimizer: AnyOptimizer },
): Promise<LoadedCheckpoint | null> {
  if (!existsSync(path)) return null;
  const file = await openSafetensors(path);
  try {
    const modelState = new Map<string, Tensor>();
    const tensors = new Map<string, Tensor>();
    const averaged = new Map<string, Tensor>();
    let random = new Uint8Array();
    for (const name of file.names) {
      const tensor = await file.read(name);
      if (name.startsWith(MODEL)) modelState.set(name.slice(MODEL.length), tensor);
      else if (name.startsWith(OPTIMIZER)) tensors.set(name.slice(OPTIMIZER.length), tensor);
      else if (name.startsWith(AVERAGE)) averaged.set(name.slice(AVERAGE.length), tensor);
      else random = new Uint8Array(tensor.toBytes());
    }
    model.loadStateDict(modelState);
    optimizer.loadStateDict({ tensors, settings: JSON.parse(file.metadata.optimizer) });
    for (const tensor of [...modelState.values(), ...tensors.values()]) tensor.dispose();
    const { progress, averaged_updates: updates } = file.metadata;
    const average = updates === undefined ? null : { tensors: averaged, updates: Number(updates) };
    return { progress: JSON.parse(progress), random, average };
  } finally {
    await file.close();
  }
}
