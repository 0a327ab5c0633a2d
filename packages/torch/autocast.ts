import { native } from './engine.ts';

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
    const result = work();
    if (result instanceof Promise) throw new TypeError('autocast needs a function that is not async');
    return result;
  } finally {
    native.setAutocast(device, wasOn, before);
  }
}
