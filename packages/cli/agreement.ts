import { createInterface } from 'node:readline/promises';
import { UsageError } from './failure.ts';
import type { Terminal } from './terminal.ts';

/**
 * Whether the person agrees to something that cannot be undone.
 * @throws UsageError where nobody can be asked
 */
export async function agreed({ err }: Pick<Terminal, 'err'>, question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !err.isTerminal)
    throw new UsageError('there is nobody to ask whether to delete', 'say --yes');
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await asking.question(`${question} (y/N) `)).trim());
  } finally {
    asking.close();
  }
}
