// npm test: the checks, then every test. npm test -- <path…>: only the tests in these files and folders.
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { check } from './check.ts';
import { slowFirst } from './slow-first.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pattern = '**/*.test.{ts,mjs}';

const paths = process.argv.slice(2).map((path) => resolve(process.env.INIT_CWD ?? '', path));
const files =
  paths.length > 0
    ? paths.flatMap(testsIn)
    : ['packages', 'scripts', 'bench', 'examples'].flatMap((folder) => testsIn(join(root, folder)));
const checked = paths.length > 0 || (await check());

function testsIn(path: string): string[] {
  if (!existsSync(path)) {
    console.error(`${path} is not there`);
    process.exit(1);
  }
  if (!statSync(path).isDirectory()) return [path];
  const exclude = (name: string) => /(^|\/)(node_modules|build)$/.test(name);
  return globSync(pattern, { cwd: path, exclude })
    .sort()
    .map((file) => join(path, file));
}

const begun = performance.now();
const counts = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
const seeded = new URL('./seeded-properties.ts', import.meta.url).href;
const tests = run({ files: slowFirst(files), concurrency: availableParallelism(), execArgv: ['--import', seeded] });
tests.on('test:summary', (summary) => {
  if (summary.file === undefined) Object.assign(counts, summary.counts);
});
const output = tests.compose(spec());
for await (const text of output) process.stdout.write(text);

// The last words are counts, whatever came before them.
const { tests: total, passed, failed, cancelled, skipped } = counts;
console.log(`
# checks ${paths.length > 0 ? 'not run' : checked ? 'passed' : 'failed'}
# tests ${total}
# pass ${passed}
# fail ${failed + cancelled}
# skipped ${skipped}
# duration ${((performance.now() - begun) / 1000).toFixed(1)} s`);
process.exitCode = checked && failed + cancelled === 0 ? 0 : 1;
