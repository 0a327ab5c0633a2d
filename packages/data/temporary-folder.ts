import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** For tests: a folder with these files (`null`: an empty folder) that is removed when the test ends. */
export function temporaryFolder(
  t: { after(fn: () => void): void },
  files: Record<string, string | Uint8Array | null> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-data-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(content === null ? path : dirname(path), { recursive: true });
    if (content !== null) writeFileSync(path, content);
  }
  return folder;
}
