import { rmSync } from 'node:fs';
import { failure, SetupError, signalCommands } from './command.mjs';
import { takeLock } from './lock.mjs';
import { duration } from './screen.mjs';

/**
 * A step: `missing()` says cheaply what it would do, or null when that is done; `run(report)` does it and resolves with a note;
 * `note()` is the note of a step that was done before; `after` are the steps that it needs.
 *
 * Runs what is missing, independent steps at the same time, and resolves with the exit code. A step that fails does not stop the
 * others, only those that need it: half an installation is worth more than an interrupted one.
 */
export async function setUp(steps, { screen, lock, quiet }) {
  const begun = Date.now();
  let release = null;
  let interrupted = null;
  const stop = (signal) => {
    interrupted ??= signal;
    if (signal !== 'SIGINT') signalCommands(signal); // Ctrl-C has reached the commands through the terminal
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const todo = await Promise.all(steps.map((step) => step.missing()));
    if (todo.every((missing) => missing === null)) {
      if (!quiet)
        for (const step of steps) screen.already(step.name, ['already there', step.note()].filter(Boolean).join(' · '));
      return 0;
    }
    const isStopped = () => interrupted !== null;
    release = await takeLock(lock, (pid) => screen.print(`Waiting for another set-up (process ${pid}) …`), isStopped);
    if (release) screen.print('Setting up Fovea (once; only what is missing)');
    const failures = release ? await runAll(steps, screen, isStopped) : [];
    if (interrupted) {
      screen.print('Set-up was stopped. Run the same command again: it goes on from here.');
      return interrupted === 'SIGINT' ? 130 : 143;
    }
    for (const error of failures) screen.print(describe(error, screen));
    if (failures.length > 0) return 1;
    screen.print(`Set up in ${duration(Date.now() - begun)}.`);
    return 0;
  } catch (error) {
    screen.print(describe(asSetupError(error), screen));
    return 1;
  } finally {
    release?.();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Resolves with the errors of the steps that failed. */
async function runAll(steps, screen, isInterrupted) {
  const results = new Map();
  const failures = [];
  const runOne = async (step) => {
    const ready = (await Promise.all(step.after.map((other) => results.get(other)))).every(Boolean);
    if (!ready || isInterrupted()) {
      screen.skipped(step.name, 'not tried: it needs the above');
      return false;
    }
    let shown = false;
    try {
      const missing = await step.missing();
      if (missing === null) {
        screen.already(step.name, ['already there', step.note()].filter(Boolean).join(' · '));
        return true;
      }
      screen.start(step.name, missing);
      shown = true;
      rmSync(step.log, { force: true });
      screen.done(step.name, await step.run((detail) => screen.progress(step.name, detail)));
      return true;
    } catch (error) {
      if (!shown) screen.start(step.name, '');
      screen.failed(step.name);
      failures.push(asSetupError(error, step));
      return false;
    }
  };
  for (const step of steps) results.set(step, runOne(step));
  await Promise.all(results.values());
  return failures;
}

/** Disk and permission errors of our own file work read like those of the commands; anything else is a bug and keeps its stack. */
function asSetupError(error, step) {
  if (error instanceof SetupError) return error;
  if (['ENOSPC', 'EACCES', 'EPERM', 'EROFS', 'EDQUOT'].includes(error.code)) {
    return failure(step?.name ?? 'set-up', [error.message], undefined);
  }
  throw error;
}

function describe(error, screen) {
  const where = error.log ? `The whole output: ${error.log}` : '';
  return ['', screen.paint(31, error.message), error.hint, where].filter((text, i) => i === 0 || text).join('\n');
}
