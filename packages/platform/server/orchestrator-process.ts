import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { orchestratorLogOf } from '../orchestrator/ensure-orchestrator.ts';
import type { Place } from '../place.ts';

/** One that has had nothing to do for so long ends, lest it outlives a server that was killed; then there is another. */
const idleSeconds = 600;

/**
 * Runs an orchestrator as a child of this process, and another one whenever it ends.
 * @returns a function that ends it; trials that run go on, and whoever works on the workspace next finds them
 */
export function keepOrchestrator(place: Place, say: (line: string) => void): () => Promise<void> {
  const stopping = new AbortController();
  let child: ReturnType<typeof spawn> | null = null;
  const kept = (async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now();
      const log = openSync(orchestratorLogOf(place), 'a');
      const script = fileURLToPath(new URL('../orchestrator/main.ts', import.meta.url));
      child = spawn(process.execPath, [script, place.folder, String(idleSeconds)], {
        // Ctrl-C is for the server, which ends it.
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, ...(place.database !== undefined && { FOVEA_DATABASE: place.database }) },
      });
      closeSync(log);
      const how = await new Promise<string>((resolve) => {
        child?.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
        child?.once('error', (error) => resolve(error.message));
      });
      if (stopping.signal.aborted) return;
      if (how !== 'exit code 0') {
        say(`the orchestrator ended (${how}) and is started again; ${orchestratorLogOf(place)} may say why`);
      }
      // One that ends at once is not started as often as that is possible.
      const pause = performance.now() - begun < 10_000 ? 5000 : 100;
      await wait(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return async () => {
    stopping.abort();
    child?.kill('SIGTERM');
    await kept;
  };
}
