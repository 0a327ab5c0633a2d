import type { CommonOptions, Context } from './command.ts';
import { showProgress } from './progress.ts';

/** Shows how much of what a server does not have has been sent, as long as `work` takes. */
export async function whileSending<T>(
  { terminal }: Pick<Context, 'terminal'>,
  { onlyShowErrors }: Pick<CommonOptions, 'onlyShowErrors'>,
  work: (onBytes: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = showProgress(terminal.err, { show: onlyShowErrors ? 'errors' : 'progress', verbose: false });
  try {
    // Amounts of this phase are shown as bytes.
    return await work((done, total) =>
      progress.onEvent({ type: 'phase', name: 'weights', message: 'sending files', done, total }),
    );
  } finally {
    progress.close();
  }
}
