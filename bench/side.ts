import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What the sections of the bench share. */
export interface Bench {
  /** The Python that has torch, torchvision and Pillow; null where none does. */
  python: string | null;
  /** Measured rounds of each comparison, after one that warms up. */
  rounds: number;
  /** Tells the person who waits what runs now. */
  say(message: string): void;
}

/** One side of a comparison: a process that does what it is told, one request a line, and answers when it is done. */
export class Side {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // A process that is gone shows by giving no answer.
    for (const part of [this.#child, this.#child.stdin]) part.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** This project's side: a module of this folder that calls `answerRequests`. */
  static ours(module: string, { core }: { core?: number } = {}): Side {
    return new Side(...pinned(core, process.execPath, fileURLToPath(new URL(module, import.meta.url))));
  }

  /** Python's side, or null without its torch. */
  static reference({ python }: Bench, { core }: { core?: number } = {}): Side | null {
    const script = fileURLToPath(new URL('reference/torch_bench.py', import.meta.url));
    return python === null ? null : new Side(...pinned(core, python, script));
  }

  async call<T = number>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify({ call: name, with: args })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.#child.spawnargs.join(' ')} ended during ${name}`);
    return JSON.parse(value);
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** A command line that runs on one core alone, with whatever threads it starts. */
function pinned(core: number | undefined, command: string, ...args: string[]): [string, string[]] {
  return core === undefined ? [command, args] : ['taskset', ['--cpu-list', String(core), command, ...args]];
}

/** The first Python that has what the other side needs: the user's own, or the system's. */
export function findPython(): string | null {
  const has = (python: string) =>
    spawnSync(python, ['-c', 'import torch, torchvision, PIL'], { stdio: 'ignore' }).status === 0;
  return ['python3', '/usr/bin/python3'].find(has) ?? null;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export interface Comparison {
  /** Median seconds of a round. */
  ours: number;
  theirs: number | null;
  /** Median over rounds of theirs / ours: above 1, ours is faster. */
  ratio: number | null;
}

/** Runs both in turn, ours and theirs, so that a machine whose speed drifts treats both alike. The first round warms up. */
export async function compare(
  rounds: number,
  ours: () => Promise<number>,
  theirs: (() => Promise<number>) | null,
): Promise<Comparison> {
  const pairs: { ours: number; theirs: number | null }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const pair = { ours: await ours(), theirs: theirs && (await theirs()) };
    if (round > 0) pairs.push(pair);
  }
  const both = pairs.flatMap(({ ours, theirs }) => (theirs === null ? [] : [{ ours, theirs }]));
  return {
    ours: median(pairs.map(({ ours }) => ours)),
    theirs: both.length ? median(both.map(({ theirs }) => theirs)) : null,
    ratio: both.length ? median(both.map(({ ours, theirs }) => theirs / ours)) : null,
  };
}
