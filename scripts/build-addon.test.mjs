import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { addon } from './build-addon.mjs';
import { fakeMachine } from './setup/fake-machine.mjs';

const source = (body) => `
  #include <node_api.h>
  NAPI_MODULE_INIT() { ${body}; napi_value value; napi_create_int32(env, answer(), &value); return value; }`;

/** A clone with this addon, real libraries in place of libtorch's, and the real compiler. */
function clone(t, { header = 'inline int answer() { return 42; }', body = '' } = {}) {
  const machine = fakeMachine(t);
  machine.file('native/addon.cc', `#include "answer.h"\n${source(body)}`);
  machine.file('native/answer.h', header);
  const headers = JSON.parse(
    readFileSync(new URL('../node_modules/node-api-headers/package.json', import.meta.url), 'utf8'),
  );
  assert.ok(headers.version);
  const include = join(new URL('../node_modules/node-api-headers/include', import.meta.url).pathname);
  const lib = join(machine.root, 'lib');
  mkdirSync(lib);
  machine.file('empty.c');
  for (const name of ['torch', 'torch_cpu', 'c10']) {
    execFileSync('g++', ['-shared', '-o', join(lib, `lib${name}.so`), join(machine.root, 'empty.c')]);
  }
  const torch = { origin: 'LIBTORCH', root: machine.root, version: '2.6.0', include: [include], lib, cxx11Abi: true };
  const libtorch = { ...torch, cuda: false, torchvision: null, built: 'once' };
  const make = (changed = {}) =>
    addon({
      root: machine.root,
      log: machine.log,
      source: join(machine.root, 'native'),
      output: join(machine.root, 'build'),
      libtorch: () => ({ ...libtorch, ...changed }),
    });
  return { machine, make, binary: join(machine.root, 'build/fovea_torch.node') };
}

test('builds once; again when a source or the libtorch changes', async (t) => {
  const { machine, make, binary } = clone(t);
  assert.match(make().missing(), /compiling against libtorch 2\.6\.0/);
  await make().run(() => {});
  assert.equal(createRequire(import.meta.url)(binary), 42);
  assert.equal(make().missing(), null);
  assert.equal(
    JSON.parse(readFileSync(join(machine.root, 'build/fovea_torch.json'), 'utf8')).libtorch.version,
    '2.6.0',
  );
  assert.notEqual(make({ built: 'anew' }).missing(), null);
  machine.file('native/answer.h', 'inline int answer() { return 43; }');
  assert.notEqual(make().missing(), null);
});

test('a compile error is shown with its place, and nothing half-built is left', async (t) => {
  const { machine, make, binary } = clone(t, { body: 'undeclared()' });
  await assert.rejects(
    make().run(() => {}),
    (error) => {
      assert.match(
        error.message,
        /does not compile against libtorch 2\.6\.0:\n.*addon\.cc:4:\d+: error: .undeclared. was not declared/,
      );
      assert.equal(error.log, machine.log);
      return true;
    },
  );
  assert.ok(!existsSync(binary));
  assert.notEqual(make().missing(), null);
});

test('an engine that does not load is an error, and is not kept', async (t) => {
  const { make, binary } = clone(t, { header: 'int answer();' });
  await assert.rejects(
    make().run(() => {}),
    /the engine was built but does not load: .*undefined symbol/,
  );
  assert.ok(!existsSync(binary));
});
