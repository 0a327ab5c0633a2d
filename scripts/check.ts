// npm run check: types, lint and format, import directions.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = (name: string) => join(root, 'node_modules/.bin', name);

const colours = Boolean(process.stdout.isTTY && process.stdout.hasColors());

const checks = [
  { name: 'types', command: [program('tsc'), '--noEmit', '--pretty', String(colours), '-p', root] },
  {
    name: 'lint and format',
    command: [program('biome'), 'ci', '--error-on-warnings', `--colors=${colours ? 'force' : 'off'}`, root],
  },
  { name: 'imports', command: [process.execPath, join(root, 'scripts/check-imports.ts')] },
];

/** Runs all checks at once, prints one line for each and the output of those that failed. Resolves with whether all passed. */
export async function check(): Promise<boolean> {
  const results = await Promise.all(checks.map((each) => run(each.command)));
  for (const [i, { passed, output, seconds }] of results.entries()) {
    console.log(`${passed ? '✓' : '✗'} ${checks[i].name.padEnd(16)} ${seconds.toFixed(1)} s`);
    const said = output.trim();
    if (!passed || said.startsWith('warning:')) console.log(said.replaceAll(/^/gm, '  '));
  }
  return results.every(({ passed }) => passed);
}

function run([command, ...args]: string[]): Promise<{ passed: boolean; output: string; seconds: number }> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => resolve({ passed: code === 0, output, seconds: (performance.now() - begun) / 1000 }));
  });
}

if (import.meta.main && !(await check())) {
  console.log('\n`npx biome check --write .` mends format and what lint can mend by itself.');
  process.exitCode = 1;
}
