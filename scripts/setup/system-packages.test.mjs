import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeMachine } from './fake-machine.mjs';
import { systemPackages } from './system-packages.mjs';

const required = 'libtorch-dev libgloo-dev python3-torchvision libopenblas0-pthread';
const helpful = 'libturbojpeg0 postgresql';
const all = `${required} ${helpful}`;

/** A Debian whose archive offers everything once `apt-get update` was run; what is installed stands in the file "installed". */
function debian(t, { installed = '', updated = true, install = 'true' } = {}) {
  const machine = fakeMachine(t, {
    'g++': 'true',
    'dpkg-query': 'for name in $(cat "$MACHINE/installed"); do echo "$name installed"; done',
    'apt-cache': `shift; for name in "$@"; do echo "$name:"; [ -e "$MACHINE/updated" ] && echo "  Candidate: 1.0"; done; true`,
    'apt-get': `case "$*" in
      *update*) : > "$MACHINE/updated" ;;
      *install*) ${install} && echo "${all} $(cat "$MACHINE/installed")" > "$MACHINE/installed" ;;
    esac`,
  });
  machine.file('installed', installed);
  if (updated) machine.file('updated');
  return machine;
}

const changes = (machine) => machine.calls().filter((call) => /^(apt-get|sudo|dpkg) /.test(call));
const root = { uid: 0 };

test('nothing is done where nothing is missing', async (t) => {
  const machine = debian(t, { installed: all });
  assert.equal(await systemPackages({ ...machine, ...root }).missing(), null);
  assert.deepEqual(changes(machine), []);
});

test('root installs exactly what is missing, without asking and without an update', async (t) => {
  const machine = debian(t, { installed: `libgloo-dev libopenblas0-pthread ${helpful}` });
  const step = systemPackages({ ...machine, ...root });
  assert.equal(await step.missing(), 'installing libtorch-dev, python3-torchvision');
  await step.run(() => {});
  assert.equal(changes(machine).length, 1);
  assert.match(
    changes(machine)[0],
    /^apt-get -y .* install .*--no-install-recommends libtorch-dev python3-torchvision$/,
  );
  assert.equal(await step.missing(), null);
});

test('a machine without package lists gets them first', async (t) => {
  const machine = debian(t, { updated: false });
  const step = systemPackages({ ...machine, ...root });
  await step.missing();
  await step.run(() => {});
  assert.deepEqual(
    changes(machine).map((call) => call.match(/update|install/)[0]),
    ['update', 'install'],
  );
});

test('lists that name replaced files are read again, once', async (t) => {
  const stale =
    '{ [ -e "$MACHINE/tried" ] || { : > "$MACHINE/tried"; echo "E: Unable to fetch some archives" >&2; exit 100; }; }';
  const machine = debian(t, { install: stale });
  const step = systemPackages({ ...machine, ...root });
  await step.missing();
  await step.run(() => {});
  assert.deepEqual(
    changes(machine).map((call) => call.match(/update|install/)[0]),
    ['install', 'update', 'install'],
  );
});

test('an installation that was interrupted is brought to its end first', async (t) => {
  const interrupted =
    '{ [ -e "$MACHINE/configured" ] || { echo "E: dpkg was interrupted, you must …" >&2; exit 100; }; }';
  const machine = debian(t, { install: interrupted });
  machine.command('dpkg', ': > "$MACHINE/configured"');
  const step = systemPackages({ ...machine, ...root });
  await step.missing();
  await step.run(() => {});
  assert.ok(changes(machine).includes('dpkg --configure -a'));
});

test('without root the message holds the command to type', async (t) => {
  const machine = debian(t, { installed: `libgloo-dev libopenblas0-pthread ${helpful}` });
  const step = systemPackages({ ...machine, uid: 1000 });
  await step.missing();
  await assert.rejects(step.run(), (error) => {
    assert.match(error.message, /only root can install them: libtorch-dev, python3-torchvision/);
    assert.match(error.hint, /apt-get update && apt-get install -y .* libtorch-dev python3-torchvision$/);
    return true;
  });
  assert.deepEqual(changes(machine), []);
});

test('sudo that asks for no password is used', async (t) => {
  const machine = debian(t);
  machine.command('sudo', 'shift; exec "$@"');
  const step = systemPackages({ ...machine, uid: 1000 });
  await step.missing();
  await step.run(() => {});
  assert.match(changes(machine)[1], /^sudo -n env DEBIAN_FRONTEND=noninteractive .*apt-get -y/);
});

test('sudo that asks for a password is not waited for', async (t) => {
  const machine = debian(t);
  machine.command('sudo', 'echo "sudo: a password is required" >&2; exit 1');
  const step = systemPackages({ ...machine, uid: 1000 });
  await step.missing();
  await assert.rejects(step.run(), /only root can install them/);
});

for (const [what, output, message] of [
  ['no network', 'Err:1 http://host Temporary failure resolving host', /the network could not be reached/],
  ['a full disk', "E: You don'\\''t have enough free space in /var/cache/apt/archives/.", /the disk is full/],
  [
    'an unknown cause',
    'dpkg: error processing package x',
    /apt-get install failed:\n {2}dpkg: error processing package x/,
  ],
]) {
  test(`${what} is said`, async (t) => {
    const machine = debian(t, { install: `{ echo '${output}' >&2; exit 100; }` });
    const step = systemPackages({ ...machine, ...root });
    await step.missing();
    await assert.rejects(
      step.run(() => {}),
      (error) => {
        assert.match(error.message, message);
        assert.equal(error.log, machine.log);
        return true;
      },
    );
  });
}

test('what only helps stops nobody: root gets it where it is offered, others do without', async (t) => {
  const machine = debian(t, { installed: required });
  assert.equal(await systemPackages({ ...machine, uid: 1000 }).missing(), null);
  assert.equal(await systemPackages({ ...machine, ...root }).missing(), 'installing libturbojpeg0');
  const env = { ...machine.env, FOVEA_TESTS: '1' };
  assert.equal(await systemPackages({ ...machine, env, ...root }).missing(), 'installing libturbojpeg0, postgresql');
  machine.command('apt-cache', 'true');
  assert.equal(await systemPackages({ ...machine, ...root }).missing(), null);
});

test('CI has PostgreSQL: its tests are not left out there', async (t) => {
  const machine = debian(t, { installed: `${required} libturbojpeg0`, updated: false });
  const env = { ...machine.env, CI: 'true' };
  const step = systemPackages({ ...machine, env, ...root });
  assert.equal(await step.missing(), 'installing postgresql');
  await step.run(() => {});
  assert.match(changes(machine).at(-1), /--no-install-recommends postgresql$/);
  assert.match((await rejection(fakeMachine(t), env)).message, /cannot install a C\+\+17 compiler .* and PostgreSQL$/);
});

/** What set-up says on a system that has no apt-get. */
async function rejection(machine, { CI }) {
  const step = systemPackages({ ...machine, env: { ...machine.env, CI }, ...root });
  await step.missing();
  return step.run(() => {}).then(assert.fail, (error) => error);
}

test('what only helps and is not offered does not keep the rest from being installed', async (t) => {
  const machine = debian(t);
  machine.command('apt-cache', `for name in ${required}; do echo "$name:"; echo "  Candidate: 1.0"; done`);
  const step = systemPackages({ ...machine, ...root });
  await step.missing();
  await step.run(() => {});
  assert.match(changes(machine).at(-1), new RegExp(`--no-install-recommends ${required}$`));
});

test('a system without apt-get is told what to install, and of LIBTORCH', async (t) => {
  const machine = fakeMachine(t);
  const step = systemPackages({ ...machine, ...root });
  assert.match(await step.missing(), /libtorch-dev.*g\+\+/);
  await assert.rejects(step.run(), (error) => {
    assert.match(error.message, /no apt-get.*C\+\+17 compiler.*libtorch of version 1\.13/);
    assert.match(error.hint, /LIBTORCH=<folder>/);
    return true;
  });
});

test('an archive without libtorch is told of LIBTORCH', async (t) => {
  const machine = debian(t, { updated: false });
  machine.command('apt-cache', 'true');
  const step = systemPackages({ ...machine, ...root });
  await step.missing();
  await assert.rejects(
    step.run(() => {}),
    /does not offer libtorch-dev/,
  );
});

test('with LIBTORCH only the compiler is needed', async (t) => {
  const machine = debian(t, { installed: helpful });
  for (const path of ['ATen/ATen.h', 'torch/csrc/api/include/torch/version.h']) machine.file(`torch/include/${path}`);
  for (const name of ['libtorch_cpu.so', 'libc10.so']) machine.file(`torch/lib/${name}`);
  const env = { ...machine.env, LIBTORCH: `${machine.root}/torch` };
  assert.equal(await systemPackages({ ...machine, env, ...root }).missing(), null);
});
