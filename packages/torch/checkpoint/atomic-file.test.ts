import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAtomically } from './atomic-file.ts';
import { CheckpointError } from './checkpoint-error.ts';

const MODULE = new URL('./atomic-file.ts', import.meta.url).href;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fovea-atomic-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('the file has all bytes, in order, and nothing is beside it', async (t) => {
  const at = folder(t);
  const path = join(at, 'a.bin');
  await writeAtomically(path, async (write) => {
    const reused = new Uint8Array(3);
    for (let i = 0; i < 4; i++) await write(reused.fill(i));
  });
  assert.deepEqual([...readFileSync(path)], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  assert.deepEqual(readdirSync(at), ['a.bin']);
  assert.equal(statSync(path).mode & 0o777, 0o666 & ~process.umask());
});

test('an error while producing leaves the old file as it was', async (t) => {
  const at = folder(t);
  const path = join(at, 'a.bin');
  writeFileSync(path, 'old');
  const failing = writeAtomically(path, async (write) => {
    await write(new Uint8Array(10));
    throw new Error('the tensor was gone');
  });
  await assert.rejects(failing, /the tensor was gone/);
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(at), ['a.bin']);
});

test('a folder that is not there, or a folder in place of the file, is said', async (t) => {
  const at = folder(t);
  const nothing = async () => {};
  await assert.rejects(
    writeAtomically(join(at, 'no', 'a.bin'), nothing),
    /the folder .*no does not exist\. Create it first/,
  );
  await assert.rejects(
    writeAtomically(at, nothing),
    (error) =>
      error instanceof CheckpointError && error.code === 'unwritable' && /cannot be written/.test(error.message),
  );
  assert.deepEqual(readdirSync(at), []);
});

/** Writes 64 MB to `path` in another process, which prints the error's code and message. */
const WRITER = `
  const { writeAtomically } = await import(${JSON.stringify(MODULE)});
  try {
    await writeAtomically(process.argv[1], async (write) => { for (let i = 0; i < 64; i++) await write(Buffer.alloc(1e6, 7)); });
    console.log('written');
  } catch (error) { console.log(error.code, error.message); }
`;
const nodeArguments = (path: string) => ['--input-type=module', '--eval', WRITER, path];

test('a write that the system refuses half way leaves nothing behind', (t) => {
  const at = folder(t);
  const script = `trap '' XFSZ; ulimit -f 2000; exec "$0" "$@"`;
  const run = spawnSync('sh', ['-c', script, process.execPath, ...nodeArguments(join(at, 'a.bin'))], {
    encoding: 'utf8',
  });
  assert.match(run.stdout, /^unwritable .*a\.bin: cannot be written: EFBIG/, run.stderr);
  assert.deepEqual(readdirSync(at), []);
});

test('a full disk is said, and leaves nothing behind', (t) => {
  const at = folder(t);
  const script = `mount -t tmpfs -o size=8m none "$1" && cd "$1" && shift && "$0" "$@"; ls -A; exit 0`;
  const given = ['-m', 'sh', '-c', script, process.execPath, at, ...nodeArguments('a.bin')];
  const run = spawnSync('unshare', given, { encoding: 'utf8' });
  if (run.status !== 0 || /unshare|mount/.test(run.stderr)) {
    t.skip('a small disk of its own needs the right to mount one');
    return;
  }
  assert.equal(
    run.stdout.trim(),
    'unwritable a.bin: no space left on the disk. Nothing was kept; free some space or write to another disk',
  );
});

test('a process killed while it writes leaves the old file whole', async (t) => {
  const at = folder(t);
  const path = join(at, 'a.bin');
  writeFileSync(path, 'old');
  const script = `
    const { writeAtomically } = await import(${JSON.stringify(MODULE)});
    await writeAtomically(process.argv[1], async (write) => { for (;;) { await write(Buffer.alloc(1e5)); console.log('x'); await new Promise((r) => setTimeout(r, 5)); } });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readFileSync(path, 'utf8'), 'old');
});
