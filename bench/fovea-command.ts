import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOVEA = fileURLToPath(new URL('../packages/cli/bin/fovea', import.meta.url));

/**
 * What a command says as JSON.
 * @param options.mayEndWith exit codes that count as success beside 0: 1 is that of a job whose time was up
 * @throws Error for another exit code
 */
export async function fovea<T>(
  cwd: string,
  words: readonly string[],
  { mayEndWith = [] }: { mayEndWith?: readonly number[] } = {},
): Promise<T> {
  const child = spawn(FOVEA, [...words, '-o', 'json'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const isFine = code === 0 || (code !== null && mayEndWith.includes(code) && said !== '');
  if (!isFine) throw new Error(`fovea ${words.join(' ')} ended with exit code ${code}`);
  return JSON.parse(said);
}
