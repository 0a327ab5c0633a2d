import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** For tests: runs a TypeScript module in a process of its own, with imports relative to this folder. `output` is both streams'. */
export function inOwnProcess(source: string, flags: readonly string[] = []): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module-typescript', '--eval', source],
    { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8', timeout: 60_000 },
  );
  return { status, output: stdout + stderr };
}
