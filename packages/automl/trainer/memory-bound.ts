import { freemem } from 'node:os';
import { memoryUse, setMemoryLimit } from '@fovea/torch';

/** What tensors leave to decoded images, the libraries' working memory and everything else on the machine. */
const SHARE = 0.65;

/**
 * Bounds the memory of tensors by what the machine, or the container, has left, so that its end is an error that training can answer
 * instead of the end of the process.
 *
 * @returns the bound in bytes
 */
export function boundMemory(): number {
  const { now } = memoryUse({ restart: true });
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const bound = now + SHARE * Math.min(freemem(), constrained - process.memoryUsage.rss());
  setMemoryLimit(Math.max(bound, now));
  return bound;
}
