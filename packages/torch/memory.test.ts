import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ones, zeros } from './create.ts';
import { Buffer, keep, liveTensors, Parameter, type Tensor, TorchError, tidy } from './index.ts';
import { inOwnProcess } from './own-process.ts';

let before = 0;
beforeEach(() => {
  before = liveTensors();
});
const made = () => liveTensors() - before;

describe('tidy', () => {
  test('frees what was made in it, and not its result', () => {
    const [x, inside] = tidy(() => {
      const a = zeros([2]).add(1);
      const b = a.mul(2).add(a);
      assert.equal(made(), 4);
      return [b, () => a] as const;
    });
    assert.equal(made(), 1);
    assert.deepEqual(x.toArray(), [3, 3]);
    assert.equal(inside().isDisposed, true);
    assert.throws(() => inside().toArray(), { name: 'TorchError', message: /the tensor was disposed/ });
    x.dispose();
    assert.equal(made(), 0);
  });

  test('finds tensors in arrays, sets, maps and plain objects, also nested and cyclic ones', () => {
    const bare = Object.assign(Object.create(null) as object, { t: null as Tensor | null });
    const result = tidy(() => {
      bare.t = zeros([1]);
      const cycle: Record<string, unknown> = { x: zeros([1]), list: [zeros([1]), [zeros([1])]] };
      cycle.self = cycle;
      return {
        cycle,
        map: new Map([['a', { deep: [zeros([1])] }]]),
        set: new Set([zeros([1])]),
        bare,
        nothing: null,
        missing: undefined,
        bytes: new Uint8Array(3),
      };
    });
    assert.equal(made(), 6);
    tidy(() => tidy(() => result));
    assert.equal(made(), 6, 'what was made outside stays');
    const all = [bare.t as Tensor, ...result.set, ...(result.map.get('a')?.deep ?? [])];
    const { x, list } = result.cycle as { x: Tensor; list: [Tensor, [Tensor]] };
    for (const each of [...all, x, list[0], list[1][0]]) each.dispose();
    assert.equal(made(), 0);
  });

  test('does not look into instances of classes', () => {
    class Batch {
      images = zeros([1]);
    }
    const batch = tidy(() => new Batch());
    assert.equal(batch.images.isDisposed, true);
    assert.equal(made(), 0);
  });

  test('nests: what an inner scope returns belongs to the outer', () => {
    tidy(() => {
      const x = tidy(() => {
        zeros([1]);
        return zeros([1]);
      });
      assert.equal(made(), 1);
      tidy(() => x.add(1));
      assert.equal(made(), 2);
    });
    assert.equal(made(), 0);
  });

  test('frees when it fails, at any depth', () => {
    assert.throws(() => tidy(() => [zeros([2]), zeros([2]).matmul(zeros([3]))]), TorchError);
    assert.equal(made(), 0);
    assert.throws(() => tidy(() => [zeros([2]), tidy(() => assert.fail(`${zeros([1])}`))]), /Tensor/);
    assert.equal(made(), 0);
    assert.equal(
      tidy(() => zeros([1]).item()),
      0,
      'scopes work on',
    );
  });

  test('takes no async function', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const work = () => {
      late = (async () => {
        const x = zeros([1]);
        await null;
        return x.item();
      })();
      return late;
    };
    assert.throws(() => tidy(work), { name: 'TypeError', message: /tidy takes no async function/ });
    assert.equal(made(), 0);
    await assert.rejects(late, /the tensor was disposed/);
  });

  test('leaves parameters, buffers and what is kept', () => {
    const survivors = tidy(() => {
      const kept = keep(zeros([1]));
      const deep = tidy(() => tidy(() => keep(zeros([1]))));
      const outer = zeros([1]);
      tidy(() => keep(outer));
      const names = { p: new Parameter(zeros([1])), b: new Buffer(zeros([1])) };
      return () => [kept, deep, outer, names.p, names.b];
    });
    assert.equal(made(), 5);
    for (const each of survivors()) {
      assert.equal(each.isDisposed, false);
      each.dispose();
    }
    assert.equal(made(), 0);
  });

  test('minds no tensor that was disposed before, or in an inner scope', () => {
    tidy(() => {
      const x = zeros([1]);
      const y = zeros([1]);
      tidy(() => x.dispose());
      y.dispose();
      assert.equal(made(), 0);
      return [x, y];
    });
    assert.equal(made(), 0);
  });
});

describe('a tensor', () => {
  test('is freed by using', () => {
    {
      using x = ones([2]);
      assert.equal(x.sum().item() && made(), 2);
    }
    assert.equal(made(), 1);
  });

  test('is freed once, however often it is disposed', () => {
    const x = zeros([1]);
    x.dispose();
    x.dispose();
    x[Symbol.dispose]();
    assert.equal(made(), 0);
    const y = zeros([1]);
    assert.throws(() => x.add(1), TorchError);
    assert.equal(y.item(), 0, 'another in its place is another');
    y.dispose();
  });

  test('whose data a parameter took is disposed', () => {
    const data = zeros([2]);
    const parameter = new Parameter(data, false);
    assert.deepEqual([data.isDisposed, parameter.requiresGrad, made()], [true, false, 1]);
    assert.throws(() => new Parameter(data), /the tensor was disposed/);
    assert.throws(() => new Buffer(data), /the tensor was disposed/);
    assert.equal(made(), 1);
    parameter.dispose();
  });
});

test('what nobody freed, the garbage collector does: tensors, results of scopes, kept ones and parameters', () => {
  const { status, output } = inOwnProcess(
    `
    import { keep, liveTensors, Parameter, tidy, zeros } from './index.ts';
    const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
    const start = megabytes();
    let most = 0;
    for (let i = 0; i < 400; i++) {
      zeros([250_000]).add(1);
      tidy(() => [zeros([250_000]).add(1), tidy(() => zeros([1]))]);
      tidy(() => { keep(zeros([1])); });
      new Parameter(zeros([1]));
      if (i % 20 === 0) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
      most = Math.max(most, megabytes() - start);
    }
    for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    console.log(liveTensors(), most < 400 ? 'little' : most + ' MB');
    `,
    ['--expose-gc'],
  );
  assert.equal(output, '0 little\n');
  assert.equal(status, 0);
});

test('big tensors that nobody freed bring the garbage collector about by themselves', () => {
  const { output } = inOwnProcess(`
    import { zeros } from './index.ts';
    let most = 0;
    for (let i = 0; i < 300; i++) {
      zeros([1_000_000]).add_(1);
      most = Math.max(most, process.memoryUsage.rss());
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log(most < 900 * 2 ** 20 ? 'little' : Math.round(most / 2 ** 20) + ' MB');
  `);
  assert.equal(output, 'little\n');
});
