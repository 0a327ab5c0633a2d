import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageJob } from '../spec/job.ts';
import type { Report, RunEvent } from './events.ts';

/** The log of a trial, where Azure's jobs have it. */
export const trialLogPath = (trialFolder: string): string => join(trialFolder, 'user_logs', 'std_log.txt');

/** From all that is said to the worst alone. */
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
type Level = (typeof LEVELS)[number];

/**
 * Writes what happens in a trial to its log, a line each.
 * @param verbosity the job's `log_verbosity`: what is less than that is left out; `debug` (and `not_set`) has every training step
 */
export function logTrial(trialFolder: string, verbosity: ImageJob['log_verbosity']): Report {
  const path = trialLogPath(trialFolder);
  mkdirSync(dirname(path), { recursive: true });
  const least = verbosity === 'not_set' ? 0 : LEVELS.indexOf(verbosity);
  return (event) => {
    const entry = entryOf(event);
    if (!entry || LEVELS.indexOf(entry.level) < least) return;
    appendFileSync(path, `${new Date().toISOString()} ${entry.level.toUpperCase()} ${entry.text}\n`);
  };
}

/** An event as a line of the log; none for those that only move a progress bar. */
function entryOf(event: RunEvent): { level: Level; text: string } | null {
  switch (event.type) {
    case 'log':
      return { level: event.level, text: event.message };
    case 'phase':
      return event.done === undefined ? { level: 'info', text: event.message } : null;
    case 'trial': {
      const drawn = JSON.stringify(event.hyperparameters);
      const because = event.because === null ? '' : ` (${event.because})`;
      return { level: 'info', text: `trial ${event.index + 1} of ${event.trials}: ${event.model} ${drawn}${because}` };
    }
    case 'step': {
      const at = `epoch ${event.epoch}/${event.epochs} step ${event.step}/${event.steps}`;
      return { level: 'debug', text: `${at} loss ${event.loss.toPrecision(6)}` };
    }
    case 'epoch': {
      const metrics = Object.entries(event.metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`);
      const best = event.improved ? ' (best so far)' : '';
      return { level: 'info', text: `epoch ${event.epoch}/${event.epochs} ${metrics.join(' ')}${best}` };
    }
    // No trial says it.
    case 'scored':
      return null;
    case 'verified': {
      const difference =
        'maxAbsDifference' in event
          ? event.maxAbsDifference.toExponential(1)
          : `${event.relativeDifference.toExponential(1)} standard deviations`;
      return { level: 'info', text: `the ONNX graph differs from the engine by at most ${difference}` };
    }
  }
}
