import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Report, RunEvent } from './events.ts';

/** The log of a trial, where Azure's jobs have it. */
export const trialLogPath = (trialFolder: string): string => join(trialFolder, 'user_logs', 'std_log.txt');

/** Writes what happens in a trial to its log, a line each. */
export function logTrial(trialFolder: string): Report {
  const path = trialLogPath(trialFolder);
  mkdirSync(dirname(path), { recursive: true });
  return (event) => {
    const line = lineOf(event);
    if (line) appendFileSync(path, `${new Date().toISOString()} ${line}\n`);
  };
}

/** An event as a line; none for those that come too often. */
function lineOf(event: RunEvent): string | null {
  switch (event.type) {
    case 'log':
      return `${event.level.toUpperCase()} ${event.message}`;
    case 'phase':
      return event.done === undefined ? `INFO ${event.message}` : null;
    case 'trial':
      return `INFO trial ${event.index + 1} of ${event.trials}: ${event.model} ${JSON.stringify(event.hyperparameters)}`;
    case 'epoch': {
      const metrics = Object.entries(event.metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`);
      return `INFO epoch ${event.epoch}/${event.epochs} ${metrics.join(' ')}${event.improved ? ' (best so far)' : ''}`;
    }
    case 'verified':
      return `INFO the ONNX graph differs from the engine by at most ${event.maxAbsDifference.toExponential(1)}`;
    case 'step':
    case 'done':
      return null;
  }
}
