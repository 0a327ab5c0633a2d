import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeMachine } from './fake-machine.mjs';
import { npmPackages } from './npm-packages.mjs';

const packages = {
  '': { name: 'root' },
  'packages/a': { version: '1.0.0' },
  'node_modules/@fovea/a': { resolved: 'packages/a', link: true },
  'node_modules/sharp': { version: '1.0.0', integrity: 'sha512-x' },
  'node_modules/sharp-linux': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'] },
  'node_modules/sharp-musl': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'node_modules/sharp-mac': { version: '1.0.0', optional: true, os: ['darwin'], cpu: ['x64'] },
  'node_modules/needed-by-mac': { version: '1.0.0', optional: true },
};
const here = ['@fovea/a', 'sharp', 'sharp-linux'];

/** A clone whose node_modules hold `installed`, with npm's record of them unless `recorded` is false. */
function clone(t, { installed = here, recorded = true, npm = 'true' } = {}) {
  const machine = fakeMachine(t, { npm });
  machine.file('package-lock.json', JSON.stringify({ packages }));
  for (const name of installed) machine.file(`node_modules/${name}/package.json`, '{}');
  const entries = installed.map((name) => [`node_modules/${name}`, packages[`node_modules/${name}`]]);
  if (recorded)
    machine.file('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(entries) }));
  const step = npmPackages({ ...machine, platform: 'linux', arch: 'x64' });
  return { machine, step };
}

test('what is there is not installed again; other platforms’ packages are not missed', (t) => {
  assert.equal(clone(t).step.missing(), null);
});

test('a fresh clone, a missing package, another version and an interrupted installation are noticed', (t) => {
  const wanted = 'installing 3 packages';
  assert.equal(clone(t, { installed: [], recorded: false }).step.missing(), wanted);
  assert.equal(clone(t, { installed: ['@fovea/a', 'sharp'] }).step.missing(), wanted);
  assert.equal(clone(t, { recorded: false }).step.missing(), wanted);
  const { machine, step } = clone(t);
  machine.file(
    'package-lock.json',
    JSON.stringify({ packages: { ...packages, 'node_modules/sharp': { version: '1.0.1' } } }),
  );
  assert.equal(step.missing(), wanted);
});

test('npm ci runs in the clone, once', async (t) => {
  const { machine, step } = clone(t, { npm: ': > ran' });
  await step.run(() => {});
  assert.equal(machine.calls().length, 1);
  assert.match(machine.calls()[0], /^npm ci /);
  assert.ok(existsSync(join(machine.root, 'ran')));
});

test('a failure of npm is told with its cause and the log', async (t) => {
  for (const [output, message] of [
    ['npm error code ENOTFOUND', /npm ci: the network could not be reached/],
    ['npm error code ENOSPC', /npm ci: the disk is full/],
    ['npm error code EUSAGE', /package-lock\.json does not fit package\.json/],
    ['npm error something else', /npm ci failed:\n {2}npm error something else/],
  ]) {
    const { machine, step } = clone(t, { npm: `echo '${output}' >&2; exit 1` });
    await assert.rejects(
      step.run(() => {}),
      (error) => {
        assert.match(error.message, message);
        assert.equal(error.log, machine.log);
        return true;
      },
    );
  }
});
