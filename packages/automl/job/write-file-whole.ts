import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file so that a reader, or a restart after a crash, sees the old content or the new, never half of it. */
export function writeFileWhole(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, path);
}
