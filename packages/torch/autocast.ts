import { native } from './engine.ts';
import { refuseAsync } from './memory.ts';

/**
 * Runs `work` with automatic mixed precision: operators that gain from it (convolutions, matrix products) cast their inputs to `dtype`,
 * those that lose by it compute in float32. Call `backward` outside of it.
 */
export function autocast<T>(
  {
    device = 'cpu',
    dtype = 'bfloat16',
    enabled = true,
  }: { device?: string; dtype?: 'bfloat16' | 'float16'; enabled?: boolean },
  work: () => T,
): T {
  const [wasOn, before] = native.setAutocast(device, enabled, dtype);
  try {
    return refuseAsync('autocast', work());
  } finally {
    native.setAutocast(device, wasOn, before);
  }
}
