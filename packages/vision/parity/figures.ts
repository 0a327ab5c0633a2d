import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/** One line of a report: is a figure that was recorded elsewhere reproduced? */
export interface Check {
  name: string;
  passed: boolean;
  /** The figures behind the verdict. */
  says: string;
}

/**
 * Passes when the largest deviation is within the tolerance.
 * @param where which figure deviates most
 */
export const within = (name: string, worst: number, tolerance: number, where?: string): Check => ({
  name,
  passed: worst <= tolerance,
  says: `worst ${short(worst)} of ${short(tolerance)}${where ? ` (${where})` : ''}`,
});

export const failed = (name: string, says: string): Check => ({ name, passed: false, says });

/** Passes when both lists are equal, element by element; otherwise shows the first difference. */
export function same(name: string, expected: readonly unknown[], found: readonly unknown[]): Check {
  const [wanted, got] = [expected, found].map((list) => list.map((item) => JSON.stringify(item) ?? 'nothing'));
  const length = Math.max(wanted.length, got.length);
  const differences = Array.from({ length }, (_, index) => index).filter((index) => wanted[index] !== got[index]);
  if (differences.length === 0) return { name, passed: true, says: `${length} of ${length} equal` };
  const [first] = differences;
  return failed(
    name,
    `${differences.length} of ${length} differ; the first, number ${first}: ` +
      `${got[first] ?? 'nothing'}, expected ${wanted[first] ?? 'nothing'}`,
  );
}

const short = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

type ChecksOf = (file: unknown, folder: string) => Iterable<Check> | AsyncIterable<Check>;

/**
 * A command that checks files of recorded figures: prints one line per check, then a verdict. Ends the process with 0 when all
 * passed, 1 when one missed or a file cannot be read, 2 when no file is named.
 *
 * @param command.script its name in `npm run`
 * @param command.paths as typed
 * @param command.checksOf the checks that a file's content asks for, given the folder it lies in; what it throws is said as one miss
 * @param command.closing said after the verdict
 */
export async function reportFigures(command: {
  script: string;
  paths: readonly string[];
  checksOf: ChecksOf;
  closing?: string;
}): Promise<void> {
  const { script, paths, checksOf, closing } = command;
  if (paths.length === 0) {
    console.error(`usage: npm run ${script} -- <file.json> [more files]`);
    process.exitCode = 2;
    return;
  }
  // npm runs scripts in the repository's root; paths are meant from where the command was typed.
  const results: { checks: number; misses: number }[] = [];
  for (const path of paths) results.push(await reportFile(resolve(process.env.INIT_CWD ?? '', path), checksOf));
  const checks = results.reduce((sum, result) => sum + result.checks, 0);
  const misses = results.reduce((sum, result) => sum + result.misses, 0);
  const verdict = misses === 0 ? 'all within tolerance' : `${misses} missed`;
  const count = paths.length === 1 ? '1 file' : `${paths.length} files`;
  console.log(`${count}, ${checks} checks: ${verdict}${closing ? `   (${closing})` : ''}`);
  process.exitCode = misses === 0 ? 0 : 1;
}

/** Prints one line per check; returns how many were made and how many missed. An unreadable file is one miss. */
async function reportFile(path: string, checksOf: ChecksOf): Promise<{ checks: number; misses: number }> {
  const label = basename(path, '.json');
  const line = (passed: boolean, name: string, says: string): void =>
    console.log(`${passed ? '✓' : '✗'} ${`${label} ${name}`.padEnd(56)} ${says}`);
  let checks = 0;
  let misses = 0;
  try {
    for await (const { name, passed, says } of checksOf(readJson(path), dirname(path))) {
      checks++;
      if (!passed) misses++;
      line(passed, name, says);
    }
  } catch (error) {
    misses++;
    line(false, '', error instanceof Error ? error.message : String(error));
  }
  return { checks, misses };
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`not JSON: ${(error as Error).message}`);
  }
}
