import { exitCodes, reportFailure } from './failure.ts';
import { run } from './program.ts';
import type { Services } from './services.ts';
import { processTerminal } from './terminal.ts';

/** Runs the command line of this process, and ends the process with its exit code. */
export async function runProcess(services: Services): Promise<never> {
  const terminal = processTerminal();
  const argv = process.argv.slice(2);
  // What goes wrong outside of the command's own calls, in a worker or a late event, is told as everything else is.
  process.on('uncaughtException', (error) => {
    reportFailure(error, terminal.err, { debug: argv.includes('--debug') });
    process.exit(exitCodes.failed);
  });
  const exitCode = await run(argv, { terminal, services });
  await terminal.flush();
  // Not left to the event loop: a worker that was forgotten must not keep a finished command open.
  process.exit(process.exitCode ?? exitCode);
}
