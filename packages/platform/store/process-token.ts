import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names this process as no other was or will be named: `host/boot:pid:start:random`. Host and boot are those of the kernel (and, in a
 * container, of its process numbers), start is the moment in which the process began, in the kernel's ticks. Each call gives another token.
 */
export function processToken(): string {
  return `${machine}:${process.pid}:${startOf(process.pid) ?? 0}:${randomUUID().slice(0, 8)}`;
}

/** What a token says of its process, for people and for lists. */
export function describeToken(token: string): { host: string; pid: number } {
  const [place = '', pid = ''] = token.split(':');
  return { host: place.split('/')[0], pid: Number(pid) };
}

/**
 * Whether the process of a token is certainly gone: it ran on this machine since it was switched on, and there is no such process any
 * more, or its number has gone to another. False for what runs elsewhere, of which nothing can be told this way.
 */
export function isGone(token: string): boolean {
  const [place, pid, start] = token.split(':');
  if (place !== machine || start === '0') return false;
  return startOf(Number(pid)) !== start;
}

const machine = `${hostname().replaceAll(/[:/]/g, '-')}/${readBoot()}`;

/** Differs between machines, after a restart of one, and between containers that count their processes each for itself. */
function readBoot(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
    return `${boot}.${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
  } catch {
    return 'unknown';
  }
}

/** The moment in which a process began; null when it is gone, or only waits for its parent to notice that it ended. */
function startOf(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // proc(5): the name stands in parentheses and may hold any character; state is the first field behind it, starttime the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19];
}
