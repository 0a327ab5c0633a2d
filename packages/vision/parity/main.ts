/** `npm run parity -- <file.json…>`: do our models, optimisers and operators reproduce recorded figures? */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { setFlag, setNumThreads, torchVersion } from '@fovea/torch';
import '../models/index.ts';
import { checksOf } from './kinds.ts';

const USAGE = 'usage: npm run parity -- <file.json> [more files]';

/** Prints one line per check; returns how many were made and how many missed. An unreadable file is one miss. */
function checkFile(path: string): { checks: number; misses: number } {
  const label = basename(path, '.json');
  const line = (passed: boolean, name: string, says: string): void =>
    console.log(`${passed ? '✓' : '✗'} ${`${label} ${name}`.padEnd(56)} ${says}`);
  let checks = 0;
  let misses = 0;
  try {
    for (const { name, passed, says } of checksOf(readJson(path))) {
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

// npm runs scripts in the repository's root; paths are meant from where the command was typed.
const files = process.argv.slice(2).map((path) => resolve(process.env.INIT_CWD ?? '', path));
if (files.length === 0) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  setFlag('tf32', false);
  // The figures were recorded with one thread; more only add rounding noise.
  setNumThreads(1);
  const results = files.map(checkFile);
  const checks = results.reduce((sum, result) => sum + result.checks, 0);
  const misses = results.reduce((sum, result) => sum + result.misses, 0);
  const verdict = misses === 0 ? 'all within tolerance' : `${misses} missed`;
  const count = files.length === 1 ? '1 file' : `${files.length} files`;
  console.log(`${count}, ${checks} checks: ${verdict}   (libtorch ${torchVersion()})`);
  process.exitCode = misses === 0 ? 0 : 1;
}
