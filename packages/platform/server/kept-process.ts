import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keeperLogOf, keeperScript } from '../endpoints/keeper/ensure-keeper.ts';
import type { KeeperMessage, KeeperOrder } from '../endpoints/keeper/gateway-orders.ts';
import type { GatewayAddress } from '../endpoints/keeper/kept-gateway.ts';
import { orchestratorLogOf, orchestratorScript } from '../orchestrator/ensure-orchestrator.ts';
import type { Place } from '../place.ts';
import type { Certificate } from './certificate.ts';

/** One that has had nothing to do for so long ends, lest it outlives a server that was killed; then there is another. */
const idleSeconds = 600;

interface Wanted {
  readonly script: URL;
  /** What people call it: `the orchestrator`. */
  readonly called: string;
  readonly log: string;
  /** It is started with a channel, and told this first. */
  readonly order?: () => KeeperOrder;
  readonly onMessage?: (message: KeeperMessage) => void;
}

interface KeptProcess {
  /** Tells what runs now; whoever is started later is told by `order`. */
  tell(order: KeeperOrder): void;
  end(): Promise<void>;
}

/** Runs a process of a workspace as a child of this one, and another one whenever it ends. */
function keepProcess(place: Place, wanted: Wanted, say: (line: string) => void): KeptProcess {
  const { script, called, log, order, onMessage = () => {} } = wanted;
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  const tell = (told: KeeperOrder) => {
    // Of one that is just ending, the next one is told.
    if (child?.connected) child.send(told, () => {});
  };
  const kept = (async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now();
      const file = openSync(log, 'a');
      const started = spawn(process.execPath, [fileURLToPath(script), place.folder, String(idleSeconds)], {
        // Ctrl-C is for the server, which ends it.
        detached: true,
        stdio: order ? ['ignore', file, file, 'ipc'] : ['ignore', file, file],
        env: { ...process.env, ...(place.database !== undefined && { FOVEA_DATABASE: place.database }) },
      });
      closeSync(file);
      child = started;
      const ended = new Promise<string>((resolve) => {
        started.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
        started.once('error', (error) => resolve(error.message));
      });
      started.on('message', onMessage);
      if (order) tell(order());
      const how = await ended;
      if (stopping.signal.aborted) return;
      if (how !== 'exit code 0') say(`${called} ended (${how}) and is started again; ${log} may say why`);
      // One that ends at once is not started as often as that is possible.
      const pause = performance.now() - begun < 10_000 ? 5000 : 100;
      await wait(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    tell,
    async end() {
      stopping.abort();
      child?.kill('SIGTERM');
      await kept;
    },
  };
}

/**
 * Keeps an orchestrator.
 * @returns a function that ends it; trials that run go on, and whoever works on the workspace next finds them
 */
export const keepOrchestrator = (place: Place, say: (line: string) => void): (() => Promise<void>) =>
  keepProcess(place, { script: orchestratorScript, called: 'the orchestrator', log: orchestratorLogOf(place) }, say)
    .end;

/** The keeper of a server's endpoints. */
export interface ServersKeeper {
  /** Endpoints show another certificate from now on. */
  renew(certificate: Certificate): void;
  /** Answers what has been asked, and ends; the next command that is about endpoints starts one for this machine alone. */
  end(): Promise<void>;
}

/** Keeps a process that serves the endpoints of a workspace; one of this machine that nobody keeps gives way to it. */
export function keepKeeper(
  place: Place,
  address: Omit<GatewayAddress, 'certificate'> & { readonly certificate: Certificate },
  say: (line: string) => void,
): ServersKeeper {
  let { certificate } = address;
  let said = '';
  const shown = () => ({ cert: certificate.cert, key: certificate.key });
  const kept = keepProcess(
    place,
    {
      ...{ script: keeperScript, called: 'the process that serves endpoints', log: keeperLogOf(place) },
      order: () => ({ kind: 'listen', host: address.host, port: address.port, certificate: shown() }),
      onMessage({ text }) {
        if (text !== said) say(text);
        said = text;
      },
    },
    say,
  );
  return {
    renew(renewed) {
      certificate = renewed;
      kept.tell({ kind: 'renew', certificate: shown() });
    },
    end: kept.end,
  };
}
