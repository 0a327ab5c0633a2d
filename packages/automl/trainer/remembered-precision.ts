import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { getNumThreads, type nn, torchVersion } from '@fovea/torch';
import { writeFileWhole } from '../job/write-file-whole.ts';
import { inTurn } from './in-turn.ts';
import { type MeasuredPrecision, measuredOn } from './precision.ts';
import type { Rehearsal } from './trial-steps.ts';

/**
 * The measurement of `measurePrecision`, made once for a model, image size and machine, and remembered in the workspace: the same job
 * then computes with the same arithmetic each time, however busy the machine was.
 *
 * @param options.onMeasure called before a measurement, which takes a second or more
 */
export function rememberedPrecision(
  cacheFolder: string,
  modelName: string,
  model: nn.AnyModule,
  { size, device, rehearse, onMeasure }: { size: number; device: string; rehearse: Rehearsal; onMeasure?: () => void },
): MeasuredPrecision {
  const path = join(cacheFolder, 'precision.json');
  const machine = `${cpus()[0].model}, ${getNumThreads()} threads, libtorch ${torchVersion()}`;
  const key = `${modelName} at ${size} px on ${device}: ${machine}`;
  const known = read(path)[key];
  if (known) return known;
  mkdirSync(cacheFolder, { recursive: true });
  // Trials that begin at the same time would disturb each other, and measure different things.
  return inTurn(join(cacheFolder, 'precision.lock'), () => {
    const found = read(path)[key];
    if (found) return found;
    onMeasure?.();
    const measured = measuredOn(model, rehearse);
    writeFileWhole(path, `${JSON.stringify({ ...read(path), [key]: measured }, null, 2)}\n`);
    return measured;
  });
}

/** What is known; nothing where the file is missing or damaged, which costs a second measurement. */
function read(path: string): Record<string, MeasuredPrecision> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
