import { printableLines } from './printable.ts';
import type { Channel } from './terminal.ts';

/** What a script reads from `$?`; a command that a signal stopped ends with 128 + the signal's number. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** The command line asks for what does not exist or does not fit together. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The command was understood and could not be carried out, for a reason that the person can act on. */
export class CommandFailure extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;
  constructor(message: string, { hint, exitCode = exitCodes.failed }: { hint?: string; exitCode?: number } = {}) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** Problems of a job file or of data, found before anything was started. By shape, so that the data package need not be loaded. */
export function isIssuesError(error: unknown): error is Error & { issues: readonly { severity: string }[] } {
  return error instanceof Error && 'issues' in error && Array.isArray(error.issues);
}

/** Says on `err` what went wrong, and returns the exit code for it. The stack is for `debug`, that is for finding bugs. */
export function reportFailure(error: unknown, err: Channel, { debug }: { debug: boolean }): number {
  if (isIssuesError(error)) {
    err.write(`${printableLines(error.message.trimEnd())}\nNothing was started.\n`);
    return exitCodes.failed;
  }
  const message = error instanceof Error ? error.message || error.name : String(error);
  err.write(`${err.paint('red', 'error')} ${printableLines(message)}\n`);
  const known = error instanceof UsageError || error instanceof CommandFailure;
  if (known && error.hint !== undefined) err.write(`      ${printableLines(error.hint)}\n`);
  if (debug && error instanceof Error) err.write(`${printableLines(stackOf(error))}\n`);
  else if (isFault(error)) err.write('      this is a fault of fovea; --debug shows where it happened\n');
  if (error instanceof CommandFailure) return error.exitCode;
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

/** Not said to anybody by anybody: thrown by the language. */
function isFault(error: unknown): boolean {
  return (
    [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind) ||
    !(error instanceof Error)
  );
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return (error.stack ?? String(error)) + cause;
}
