import { open } from 'node:fs/promises';
import type { Place } from '../../place.ts';
import { invalid } from '../../refusal.ts';
import { type DeploymentName, inferenceServerLogs, storageInitializerLogOf } from '../keeper/paths.ts';

export type LogContainer = 'inference-server' | 'storage-initializer';

/** Of a file no more is read than this, however many lines are wanted. */
const mostBytes = 4 << 20;
const mostLines = 100_000;

/**
 * The last lines of what the instances of a deployment said, in the order of their times, or of what was done before they were started.
 *
 * @param options.lines 1 … 100,000
 */
export async function deploymentLogs(
  place: Pick<Place, 'folder'>,
  name: DeploymentName,
  { lines, container }: { readonly lines: number; readonly container: LogContainer },
): Promise<string> {
  if (!Number.isInteger(lines) || lines < 1 || lines > mostLines) {
    throw invalid(`as many lines as ${lines} cannot be shown; 1 to ${mostLines.toLocaleString('en')} can`, 'lines');
  }
  const paths =
    container === 'storage-initializer'
      ? [storageInitializerLogOf(place, name)]
      : inferenceServerLogs(place, name).map(({ path }) => path);
  const found: { time: number; line: string }[] = [];
  for (const path of paths) {
    let time = 0;
    for (const line of await lastLines(path, lines)) {
      // What has no time, as the lines of a stack, stays behind what it follows.
      time = timeOf(line) ?? time;
      found.push({ time, line });
    }
  }
  if (paths.length > 1) found.sort((a, b) => a.time - b.time);
  const shown = found.slice(-lines).map(({ line }) => line);
  return shown.length === 0 ? '' : `${shown.join('\n')}\n`;
}

async function lastLines(path: string, most: number): Promise<string[]> {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - mostBytes);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    const lines = bytes.toString('utf8', 0, bytesRead).split('\n');
    if (lines.at(-1) === '') lines.pop();
    // The first one may have lost its beginning.
    if (from > 0) lines.shift();
    return lines.slice(-most);
  } finally {
    await file.close();
  }
}

/** Milliseconds since 1970; null for a line that does not say. */
function timeOf(line: string): number | null {
  const [, number, text] = /^\{[^{}]{0,300}?"time":(?:(\d{10,16})|"([^"]{10,40})")/.exec(line) ?? [];
  const time = number === undefined ? Date.parse(text ?? '') : Number(number);
  return Number.isFinite(time) ? time : null;
}
