import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BatchSettings } from './batch-spec.ts';

type Level = BatchSettings['logging_level'];

const rank: Record<Level, number> = { debug: 0, info: 1, warning: 2 };

/** Writes lines of a level or above to the end of a log. */
export function batchLog(path: string, least: Level): (level: Level, message: string) => void {
  mkdirSync(dirname(path), { recursive: true });
  return (level, message) => {
    if (rank[level] < rank[least]) return;
    try {
      appendFileSync(
        path,
        `${new Date().toISOString()} ${level.toUpperCase()} ${message.replaceAll('\n', '\n    ')}\n`,
      );
    } catch {
      // A full disk is no reason to end: what matters is written elsewhere, and fails there.
    }
  };
}
