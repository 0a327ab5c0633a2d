import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { zeros } from './create.ts';
import { native, setFlag } from './engine.ts';
import { cudaIsAvailable, getNumThreads, hasOp, setNumThreads, torchVersion } from './index.ts';
import { inOwnProcess } from './own-process.ts';

const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

test('the version, CUDA and operators of the libtorch underneath can be asked for', () => {
  assert.match(torchVersion(), /^\d+\.\d+\.\d+/);
  assert.equal(typeof cudaIsAvailable(), 'boolean');
  assert.equal(hasOp('aten::relu'), true);
});

test('the number of threads can be set, to 1 or more', () => {
  setNumThreads(1);
  assert.equal(getNumThreads(), 1);
  setNumThreads(2);
  assert.equal(getNumThreads(), 2);
  for (const wrong of [0, -1, 1.5, Number.NaN]) assert.throws(() => setNumThreads(wrong), RangeError);
});

test('switches give their previous value', () => {
  for (const name of ['tf32', 'deterministic', 'cudnnBenchmark', 'onednn'] as const) {
    const before = setFlag(name, true);
    assert.equal(setFlag(name, before), true, name);
    assert.equal(setFlag(name, before), before, name);
  }
  assert.throws(() => setFlag('speed' as 'tf32', true), { name: 'TorchError', message: /unknown flag speed/ });
});

test('a function of the addon given nonsense throws, and does not crash', () => {
  const wild = native as unknown as Record<string, (...args: unknown[]) => unknown>;
  const nonsense = [undefined, null, -1, 0, 1e9, Number.NaN, 'x', {}, [], [1e9], Symbol('s'), () => 1, 2n ** 70n];
  const { setErrorClass: _, ...functions } = wild;
  const state = { threads: getNumThreads(), gradMode: native.gradMode() };
  for (const [name, run] of Object.entries(functions)) {
    for (const first of nonsense) {
      for (const second of nonsense) {
        if (name === 'setThreads' || name === 'setInScope' || name === 'call') continue;
        try {
          run(first, second, first, second, first, second);
        } catch (error) {
          assert.ok(error instanceof Error, name);
        }
      }
    }
  }
  native.setGradMode(state.gradMode);
  native.setMemoryLimit(Number.POSITIVE_INFINITY);
  assert.equal(zeros([2]).add(1).sum().item(), 2);
});

test('an addon that was not built says what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-engine-'));
  try {
    for (const file of ['engine.ts', 'torch-error.ts'])
      copyFileSync(new URL(file, import.meta.url), join(folder, file));
    const { native } = await import(pathToFileURL(join(folder, 'engine.ts')).href);
    assert.throws(() => native.version(), /not built yet.*npm run setup/);
    assert.throws(() => native.version(), /not built yet/, 'and says it again');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the addon can be loaded twice; each has tensors of its own', () => {
  const { status, output } = inOwnProcess(`
    import { createRequire } from 'node:module';
    import { tensor, liveTensors } from './index.ts';
    const x = tensor([1, 2, 3]);
    const second = await import('./engine.ts?second');
    const { native: first } = await import('./engine.ts');
    console.log(second.native === first, liveTensors());
    const require = createRequire(import.meta.url);
    const addon = require.resolve('./build/fovea_torch.node');
    delete require.cache[addon];
    const other = require(addon);
    const handle = other.fromBuffer(Float32Array.of(7), 'float32', [1]);
    console.log(other === first, other.item(handle), x.sum().item());
    try { other.shape(99); } catch (error) { console.log(error.message); }
  `);
  assert.match(output, /^(true|false) 1\n(true|false) 7 6\n(.*: )?the tensor was disposed/);
  assert.equal(status, 0);
});

describe('threads of node', () => {
  test('have engines of their own, also at once: tensors, gradients, hooks, grad mode', () => {
    const { status, output } = inOwnProcess(`
      import { Worker } from 'node:worker_threads';
      const work = \`
        import { Generator, grad, isGradEnabled, liveTensors, noGrad, Parameter, randn, setNumThreads, tidy } from './index.ts';
        import { native } from './engine.ts';
        export function train(seed, hasThreads) {
          const x = randn([16, 8], { generator: new Generator(seed) });
          const w = new Parameter(randn([8, 4], { generator: new Generator(seed + 1) }));
          let seen = 0;
          w.registerHook((gradient) => { seen++; return gradient.mul(0.5); });
          for (let i = 0; i < 100; i++) {
            tidy(() => {
              native.backward([x.matmul(w).tanh().square().mean().handle], null, false, false, hasThreads);
              noGrad(() => w.sub_(w.grad));
              w.grad = null;
            });
          }
          return [seen, liveTensors(), isGradEnabled(), w.toArray()];
        }
      \`;
      const folder = new URL('.', import.meta.url);
      const module = (text) => 'data:text/javascript,' + encodeURIComponent(text.replaceAll("'./", "'" + folder + '/'));
      const { train } = await import(module(work));
      const inWorker = (seed, hasThreads) => new Promise((resolve, reject) => {
        const text = work + "import { parentPort } from 'node:worker_threads'; parentPort.postMessage(train(" + seed + ", " + hasThreads + "));";
        const worker = new Worker(new URL(module(text)));
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      const workers = [inWorker(1, false), inWorker(2, true), inWorker(1, true)];
      const here = train(1, true);
      const [one, two, again] = await Promise.all(workers);
      console.log(JSON.stringify(here) === JSON.stringify(one), JSON.stringify(one) === JSON.stringify(again));
      console.log(JSON.stringify(two) === JSON.stringify(train(2, false)), here.slice(0, 3).join());
    `);
    assert.equal(output, 'true true\nfalse 100,2,true\n');
    assert.equal(status, 0);
  });

  test('may be ended at any time, with tensors alive', () => {
    const { status, output } = inOwnProcess(`
      import { Worker } from 'node:worker_threads';
      import { zeros } from './index.ts';
      const text = \`
        import { fromTypedArray, Parameter, tidy, zeros } from '\${new URL('./index.ts', import.meta.url)}';
        import { parentPort } from 'node:worker_threads';
        const alive = [zeros([1000]), fromTypedArray(new Float32Array(1000)), new Parameter(zeros([10]))];
        alive[2].registerHook((gradient) => gradient.mul(2));
        parentPort.postMessage('started');
        while (true) tidy(() => alive[2].mul(alive[2]).sum().backward());
      \`;
      for (let i = 0; i < 4; i++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)));
        await new Promise((resolve) => worker.once('message', resolve));
        await new Promise((resolve) => setTimeout(resolve, 20));
        await worker.terminate();
      }
      console.log(zeros([2]).add(1).sum().item());
    `);
    assert.equal(output, '2\n');
    assert.equal(status, 0);
  });
});

describe('a process may end', () => {
  const prepare = `
    import { autocast, fromTypedArray, noGrad, ones, Parameter, tidy, zeros } from './index.ts';
    import { native } from './engine.ts';
    const w = new Parameter(ones([1000]));
    const array = fromTypedArray(new Float32Array(1000).fill(2));
    const graph = w.mul(array).exp();
  `;
  const ends: Record<string, [source: string, status: number]> = {
    'with tensors, graphs, hooks and tensors on typed arrays alive': [
      'w.registerHook((g) => g.mul(2)); graph.sum().backward(undefined, { retainGraph: true }); globalThis.all = { w, array, graph };',
      0,
    ],
    'by process.exit': ['process.exit(3);', 3],
    'inside of scopes': ['tidy(() => noGrad(() => autocast({}, () => { zeros([9]).add(1); process.exit(4); })));', 4],
    'inside of a hook': ['w.registerHook(() => process.exit(5)); graph.sum().backward();', 5],
    'inside of a hook asked from another thread': [
      'w.registerHook(() => process.exit(6)); native.backward([graph.sum().handle], null, false, false, true);',
      6,
    ],
    'by an error nobody caught': ["tidy(() => { throw new Error('lost'); });", 1],
  };
  for (const [how, [source, expected]] of Object.entries(ends)) {
    test(how, () => {
      const { status, output } = inOwnProcess(prepare + source);
      assert.equal(status, expected, output);
    });
  }
});
