import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** A step that could not be done: what happened, what to do about it, and where the whole output lies. */
export class SetupError extends Error {
  constructor(message, { hint, log } = {}) {
    super(message);
    this.hint = hint;
    this.log = log;
  }
}

/** What npm has fetched before is not asked for again (checksums tell that it is the same), and no network is noticed in seconds. */
export const npmPatience = ['--prefer-offline', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

const running = new Set();

/** Passes a signal on to every command at work: a terminal's Ctrl-C has reached them already, a `kill` has not. */
export function signalCommands(signal) {
  for (const child of running) child.kill(signal);
}

/**
 * Runs a command without a shell and without input. Every line of its output goes to `log` (appended) and to `onLine`.
 * Resolves with its exit code (127 when there is no such command) and its last 2000 lines.
 */
export function run(command, args, { log, onLine, env = process.env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const file = log ? openLog(log) : null;
    const tail = [];
    let broken = null;
    const take = (line) => {
      tail.push(line);
      if (tail.length > 2000) tail.shift();
      onLine?.(line);
      if (file === null || broken) return;
      try {
        writeSync(file, `${line}\n`);
      } catch (error) {
        broken = error;
      }
    };
    take(`$ ${[command, ...args].join(' ')}`);
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', take);
    const end = (code) => {
      running.delete(child);
      if (file !== null) closeSync(file);
      if (broken) reject(broken);
      else resolve({ code, output: tail.slice(1) });
    };
    child.on('error', (error) => {
      take(error.message);
      if (child.pid === undefined) end(error.code === 'ENOENT' ? 127 : 126);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a');
}

const causes = [
  {
    pattern: /no space left on device|ENOSPC|not enough free disk space|don't have enough free space/i,
    message: 'the disk is full',
    hint: 'Free some space (the whole of Fovea needs about 3 GB), then run the same command again.',
  },
  {
    pattern:
      /Could not resolve|Temporary failure resolving|Could not connect|Failed to fetch|Unable to connect|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network is unreachable/i,
    message: 'the network could not be reached',
    hint: 'Check the connection (and HTTP_PROXY / HTTPS_PROXY where a proxy is used), then run the same command again.',
  },
  {
    pattern: /Could not get lock|is another process using it/i,
    message: 'another program is installing packages',
    hint: 'Wait until it has ended, then run the same command again.',
  },
  {
    pattern: /dpkg was interrupted/i,
    message: 'an earlier installation was interrupted',
    hint: 'Type: dpkg --configure -a      (as root), then run the same command again.',
  },
  {
    pattern: /EACCES|Permission denied/i,
    message: 'a file could not be written (permission denied)',
    hint: 'Was set-up run by another user before? Then give the folder to yourself: sudo chown -R $(id -u) .',
  },
];

/** What the output of a failed command means, as a SetupError: a known cause, or its first errors, or its last words. */
export function failure(what, output, log) {
  const text = output.join('\n');
  for (const { pattern, message, hint } of causes) {
    if (pattern.test(text)) return new SetupError(`${what}: ${message}`, { hint, log });
  }
  const lines = output.filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => /error|fatal|^E: /i.test(line));
  const shown = telling.length > 0 ? telling.slice(0, 6) : lines.slice(-6);
  return new SetupError([`${what} failed:`, ...shown.map((line) => `  ${line}`)].join('\n'), { log });
}
