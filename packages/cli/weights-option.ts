import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OptionSpec } from './command.ts';
import { CommandFailure } from './failure.ts';

/** What a run starts from; a job file has no word for it. */
export const weightsOption: OptionSpec = {
  flags: '--weights <file>',
  text: 'checkpoint to start from, or none; ImageNet weights where they can be had',
};

/** The choice as a run takes it: an absolute path, `none`, or nothing. */
export async function checkpoint(weights: string | undefined): Promise<string | undefined> {
  if (weights === undefined || weights === 'none') return weights;
  const stats = await stat(weights).catch(() => null);
  if (stats?.isFile()) return resolve(weights);
  throw new CommandFailure(`--weights ${weights} is ${stats === null ? 'not there' : 'not a file'}`, {
    hint: 'give a checkpoint (.safetensors, .pth), or none for random weights',
  });
}
