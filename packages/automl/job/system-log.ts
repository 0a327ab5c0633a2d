import { appendFileSync, mkdirSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };

/** What the machine had to say to a trial, where Azure's jobs have it. */
export const systemLogPath = (trialFolder: string): string => join(trialFolder, 'system_logs', 'machine.log');

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/**
 * Notes where a trial runs (versions, processor, memory, disk), for whoever has to find out why it was slow or died.
 * @returns called at the end, notes what it took: time, processor time, the most memory that the process has had
 */
export function logSystem(trialFolder: string): (outcome: string) => void {
  const path = systemLogPath(trialFolder);
  mkdirSync(dirname(path), { recursive: true });
  const write = (lines: readonly string[]) => {
    const now = new Date().toISOString();
    appendFileSync(path, lines.map((line) => `${now} ${line}\n`).join(''));
  };
  const disk = statfsSync(dirname(path));
  const [processor] = cpus();
  write([
    `begin: fovea ${packageJson.version}, Node ${process.version}, ${type()} ${release()} ${process.arch}, process ${process.pid}`,
    `processor: ${processor?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads for this process`,
    `memory: ${gigabytes(totalmem())}, ${gigabytes(process.availableMemory())} available to this process`,
    `disk: ${gigabytes(disk.bavail * disk.bsize)} free`,
    ...relevantVariables(),
  ]);
  const began = performance.now();
  const spent = process.cpuUsage();
  return (outcome) => {
    const { user, system } = process.cpuUsage(spent);
    const seconds = (performance.now() - began) / 1000;
    const { maxRSS, majorPageFault } = process.resourceUsage();
    write([
      `end: ${outcome} after ${seconds.toFixed(1)} s, with ${((user + system) / 1e6).toFixed(1)} s of processor time`,
      `memory: ${gigabytes(maxRSS * 1024)} at most since the process began, ${majorPageFault} major page faults`,
    ]);
  };
}

/** Settings from outside that change how a trial runs. */
function relevantVariables(): string[] {
  const names = ['CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'OMP_WAIT_POLICY', 'LIBTORCH', 'FOVEA_WEIGHTS'];
  const set = names.filter((name) => process.env[name] !== undefined).map((name) => `${name}=${process.env[name]}`);
  return set.length > 0 ? [`environment: ${set.join(' ')}`] : [];
}
