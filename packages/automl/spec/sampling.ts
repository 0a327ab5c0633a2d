import type { ImageJob } from './job.ts';

/** How a sweep draws its trials. */
export interface Sampling {
  readonly type: 'random' | 'grid' | 'bayesian';
  /** Of `random`: independent draws, or a sequence that covers the space evenly. */
  readonly rule: 'random' | 'sobol';
  readonly seed: number;
}

/** The sampling of a job, whose seed is that of its training where it has none of its own. AutoMode draws by the job's seed, too. */
export function samplingOf({ sweep, training_parameters: { random_seed: seed = 42 } }: ImageJob): Sampling {
  const said = sweep?.sampling_algorithm ?? 'random';
  return { rule: 'random', seed, ...(typeof said === 'string' ? { type: said } : said) };
}
