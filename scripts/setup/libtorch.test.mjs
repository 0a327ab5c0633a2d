import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeMachine } from './fake-machine.mjs';
import { findLibtorch } from './libtorch.mjs';

/** Writes what of a libtorch is looked at. */
function libtorch(machine, { include, lib, version = '2.6.0', cuda = false, oldAbi = false }) {
  const [major, minor, patch] = version.split('.');
  machine.file(
    `${include}/torch/csrc/api/include/torch/version.h`,
    `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`,
  );
  machine.file(`${include}/ATen/ATen.h`);
  machine.file(`${lib}/libtorch_cpu.so`);
  machine.file(`${lib}/libc10.so`, oldAbi ? '\0_ZN3c105ErrorC1ENS_14SourceLocationESs\0' : '');
  if (cuda) machine.file(`${lib}/libtorch_cuda.so`);
}

const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch];
const debian = { include: 'usr/include', lib: `usr/lib/${multiarch}`, version: '1.13.1' };
const python = { include: 'site/torch/include', lib: 'site/torch/lib' };
const importable = 'echo "$MACHINE/site/torch"';
const find = (machine, env = {}) =>
  findLibtorch({ env: { ...machine.env, ...env }, debian: join(machine.root, 'usr') });

test('LIBTORCH comes before the torch of python3, and that before libtorch-dev', (t) => {
  const machine = fakeMachine(t, { python3: importable });
  libtorch(machine, debian);
  assert.equal(find(machine).origin, 'libtorch-dev');
  libtorch(machine, python);
  assert.equal(find(machine).origin, 'python3');
  libtorch(machine, { include: 'mine/include', lib: 'mine/lib', version: '2.9.1' });
  const mine = find(machine, { LIBTORCH: join(machine.root, 'mine') });
  assert.deepEqual([mine.origin, mine.version], ['LIBTORCH', '2.9.1']);
});

test('the version is read from the header that newer ones moved it to', (t) => {
  const machine = fakeMachine(t, { python3: importable });
  libtorch(machine, { ...python, version: '2.14.1' });
  const header = (path) => join(machine.root, python.include, path);
  mkdirSync(header('torch/headeronly'));
  renameSync(header('torch/csrc/api/include/torch/version.h'), header('torch/headeronly/version.h'));
  machine.file(`${python.include}/torch/csrc/api/include/torch/version.h`, '#include <torch/headeronly/version.h>\n');
  assert.equal(find(machine).version, '2.14.1');
});

test('a torch 1.x of python3 is passed over', (t) => {
  const machine = fakeMachine(t, { python3: importable });
  libtorch(machine, debian);
  libtorch(machine, { ...python, version: '1.13.1' });
  assert.equal(find(machine).origin, 'libtorch-dev');
});

test("Debian's own torch 2.x of python3 counts as libtorch-dev", (t) => {
  const machine = fakeMachine(t, { python3: importable });
  libtorch(machine, { ...debian, version: '2.6.0' });
  libtorch(machine, python);
  rmSync(join(machine.root, python.lib, 'libtorch_cpu.so'));
  symlinkSync(join(machine.root, debian.lib, 'libtorch_cpu.so'), join(machine.root, python.lib, 'libtorch_cpu.so'));
  assert.equal(find(machine).origin, 'libtorch-dev');
});

test('CUDA, the ABI of strings and the torchvision beside it are seen', (t) => {
  const machine = fakeMachine(t, { python3: importable });
  libtorch(machine, { ...python, cuda: true, oldAbi: true });
  machine.file('site/torchvision/_C.so');
  machine.file('site/torchvision/image.so');
  const found = find(machine);
  assert.equal(found.cuda, true);
  assert.equal(found.cxx11Abi, false);
  assert.equal(found.torchvision, join(machine.root, 'site/torchvision/_C.so'));
});

test("Debian's torchvision names its Python version", (t) => {
  const machine = fakeMachine(t);
  libtorch(machine, debian);
  const file = 'usr/lib/python3/dist-packages/torchvision/_C.cpython-311-x86_64-linux-gnu.so';
  machine.file(file);
  assert.equal(find(machine).torchvision, join(machine.root, file));
});

test('no libtorch is null', (t) => {
  assert.equal(find(fakeMachine(t)), null);
});

test('a LIBTORCH without a libtorch in it is an error that says what is not there', (t) => {
  const machine = fakeMachine(t);
  machine.file('mine/include/ATen/ATen.h');
  assert.throws(
    () => find(machine, { LIBTORCH: join(machine.root, 'mine') }),
    /LIBTORCH=.*mine holds no libtorch: include\/torch, lib\/libtorch_cpu\.so not there/,
  );
});
