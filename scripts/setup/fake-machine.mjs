import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * For tests: an empty folder `root` and a PATH with nothing in it but a few of the shell's own and the fake commands given (name → shell script).
 * Each call of a fake is a line of `calls()`. The folder is removed when the test `t` ends.
 */
export function fakeMachine(t, commands = {}) {
  const root = mkdtempSync(join(tmpdir(), 'fovea-setup-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const bin = join(root, 'bin');
  const journal = join(root, 'calls');
  mkdirSync(bin);
  writeFileSync(journal, '');
  for (const name of ['sh', 'env', 'cat', 'mkdir', 'true']) symlinkSync(join('/bin', name), join(bin, name));
  const machine = {
    root,
    log: join(root, 'step.log'),
    env: { PATH: bin, MACHINE: root },
    calls: () => readFileSync(journal, 'utf8').split('\n').slice(0, -1),
    command(name, script) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${journal}\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    },
    file(path, text = '') {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
  };
  for (const [name, script] of Object.entries(commands)) machine.command(name, script);
  return machine;
}
