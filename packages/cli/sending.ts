import type { SendOptions } from '@fovea/platform/remote';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { showProgress } from './progress.ts';

/**
 * Shows how much of what a server does not have has been sent, as long as `work` takes. Ctrl-C ends that.
 * @throws CommandFailure when it was stopped
 */
export async function whileSending<T>(
  { terminal }: Pick<Context, 'terminal'>,
  { onlyShowErrors }: Pick<CommonOptions, 'onlyShowErrors'>,
  work: (sending: SendOptions) => Promise<T>,
): Promise<T> {
  const progress = showProgress(terminal.err, { show: onlyShowErrors ? 'errors' : 'progress', verbose: false });
  const interruption = onInterruption(() => progress.say('  stopping; Ctrl-C again ends at once'));
  const { signal } = interruption;
  // Amounts of this phase are shown as bytes.
  const onBytes = (done: number, total: number) =>
    progress.onEvent({ type: 'phase', name: 'weights', message: 'sending files', done, total });
  try {
    return await work({ onBytes, signal });
  } catch (error) {
    const stopped = interruption.exitCode();
    if (stopped === null || !signal.aborted) throw error;
    throw new CommandFailure('stopped; the same command goes on where it was', { exitCode: stopped });
  } finally {
    interruption.release();
    progress.close();
  }
}
