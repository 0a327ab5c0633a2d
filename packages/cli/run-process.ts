import { run } from './program.ts';
import type { Services } from './services.ts';
import { processTerminal } from './terminal.ts';

/** Runs the command line of this process, and ends the process with its exit code. */
export async function runProcess(services: Services): Promise<never> {
  const terminal = processTerminal();
  const exitCode = await run(process.argv.slice(2), { terminal, services });
  await terminal.flush();
  // Not left to the event loop: a worker that was forgotten must not keep a finished command open.
  process.exit(process.exitCode ?? exitCode);
}
