import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../place.ts';

const secretBytes = 32;
const known = new Map<string, Buffer>();

/**
 * The secret of a workspace folder, with which it seals the keys of its endpoints: 32 random bytes in `secrets/endpoints.key`, which only its
 * user may read. The database does not have it: a copy of the rows reveals no key. Made when it is first asked for.
 *
 * @throws Error when the file has something else in it
 */
export function workspaceSecret({ folder }: Pick<Place, 'folder'>): Buffer {
  const secrets = join(folder, 'secrets');
  const path = join(secrets, 'endpoints.key');
  const before = known.get(path);
  if (before) return before;
  const secret = read(path) ?? make(secrets, path);
  if (secret.length !== secretBytes) {
    throw new Error(
      `${path} should have ${secretBytes} bytes, not ${secret.length}; bring back the one that was there, or remove it: endpoints get other keys with fovea online-endpoint regenerate-keys`,
    );
  }
  known.set(path, secret);
  return secret;
}

function read(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function make(secrets: string, path: string): Buffer {
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  chmodSync(secrets, 0o700);
  // Of two processes that do this at once one wins: a link does not replace a file.
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, randomBytes(secretBytes), { mode: 0o600, flush: true });
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(path);
}
