import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { enableGrad, grad, isGradEnabled, noGrad } from './autograd.ts';
import { ones, randn, tensor, zeros } from './create.ts';
import { native } from './engine.ts';
import {
  autocast,
  keep,
  liveTensors,
  manualSeed,
  type Nested,
  ops,
  Parameter,
  Tensor,
  TorchError,
  tidy,
} from './index.ts';

const leaf = (values: Nested, dtype: 'float32' | 'float64' = 'float32') => new Parameter(tensor(values, { dtype }));

const noGradient = (x: Tensor) => assert.equal(x.grad, null);
const forget = (x: Tensor) => {
  x.grad = null;
};

afterEach(() => assert.equal(isGradEnabled(), true));

describe('gradients', () => {
  test('are what calculus says', () => {
    const x = leaf([1, 2, 3]);
    const cases: [(x: Tensor) => Tensor, number[]][] = [
      [(x) => x.mul(x), [2, 4, 6]],
      [(x) => x.pow(3), [3, 12, 27]],
      [(x) => x.log(), [1, 1 / 2, 1 / 3]],
      [(x) => x.exp(), [Math.exp(1), Math.exp(2), Math.exp(3)]],
      [(x) => x.div(4).add(x), [1.25, 1.25, 1.25]],
      [(x) => x.sub(2).relu(), [0, 0, 1]],
      [(x) => x.maxDim(0)[0], [0, 0, 1]],
      [(x) => x.index(tensor([0, 0], { dtype: 'int64' })), [2, 0, 0]],
    ];
    for (const [f, expected] of cases) {
      forget(x);
      f(x).sum().backward();
      const found = x.grad as unknown as Tensor;
      for (const [i, value] of (found.toArray() as number[]).entries())
        assert.ok(Math.abs(value - expected[i]) <= 1e-6 * Math.abs(expected[i]), `${f}: ${value}, not ${expected[i]}`);
    }
  });

  test('are those of finite differences: a convolution, its normalisation and a loss', () => {
    manualSeed(0);
    const x = new Parameter(randn([2, 3, 5, 5], { dtype: 'float64' }));
    const w = new Parameter(randn([4, 3, 3, 3], { dtype: 'float64' }));
    const b = new Parameter(randn([4], { dtype: 'float64' }));
    const target = tensor([1, 3], { dtype: 'int64' });
    const f = () => {
      const y = ops.batchNorm(ops.conv2d(x, w, b, 1, 1), null, null, null, null, true, 0.1, 1e-5, false);
      return ops.crossEntropyLoss(ops.adaptiveAvgPool2d(y.tanh(), 1).flatten(1), target);
    };
    f().backward();
    const epsilon = 1e-6;
    for (const parameter of [x, w, b]) {
      const analytic = parameter.grad?.flatten().toArray() as number[];
      for (const i of [0, Math.floor(parameter.numel / 2), parameter.numel - 1]) {
        const element = parameter.detach().view([-1]).select(0, i);
        element.add_(epsilon);
        const above = f().item();
        element.sub_(2 * epsilon);
        const below = f().item();
        element.add_(epsilon);
        assert.ok(Math.abs((above - below) / (2 * epsilon) - analytic[i]) < 1e-8);
      }
    }
  });

  test('add up until they are taken away', () => {
    const x = leaf([1, 2]);
    noGradient(x);
    x.mul(3).sum().backward();
    x.mul(4).sum().backward();
    assert.deepEqual(x.grad?.toArray(), [7, 7]);
    x.grad?.zero_();
    assert.deepEqual(x.grad?.toArray(), [0, 0]);
    x.grad = tensor([5, 6]);
    x.sum().backward();
    assert.deepEqual(x.grad?.toArray(), [6, 7]);
    x.grad = null;
    noGradient(x);
  });

  test('start from a seed where there is more than one element', () => {
    const x = leaf([1, 2]);
    x.mul(x).backward(tensor([1, 10]));
    assert.deepEqual(x.grad?.toArray(), [2, 40]);
    assert.throws(
      () => x.mul(x).backward(),
      /^TorchError: backward: grad can be implicitly created only for scalar outputs/,
    );
    assert.throws(() => x.mul(x).backward(ones([3])), TorchError);
  });

  test('set by hand have the shape, dtype and device of their tensor', () => {
    const x = leaf([1, 2]);
    for (const wrong of [zeros([3]), zeros([2], { dtype: 'float64' }), zeros([2], { device: 'meta' })])
      assert.throws(() => (x.grad = wrong), /a gradient has the shape, dtype and device of its tensor/);
    assert.throws(() => (x.grad = x), /a tensor cannot be its own gradient/);
    noGradient(x);
  });

  test('of gradients: createGraph', () => {
    const x = leaf([2, 3]);
    const [first] = grad(x.pow(3).sum(), [x], { createGraph: true }) as Tensor[];
    assert.deepEqual(first.toArray(), [12, 27]);
    const [second] = grad(first.sum(), [x], { createGraph: true }) as Tensor[];
    assert.deepEqual(second.toArray(), [12, 18]);
    second.sum().backward();
    assert.deepEqual(x.grad?.toArray(), [6, 6]);
  });

  test('of some outputs by some inputs, leaving grad alone', () => {
    const x = leaf([1, 2]);
    const y = leaf([3, 4]);
    const outputs = [x.mul(y), x.exp().sum()];
    const [dx, dy] = grad(outputs, [x, y], { gradOutputs: [tensor([1, 2]), null], retainGraph: true }) as Tensor[];
    assert.deepEqual(dy.toArray(), [1, 4]);
    assert.ok(Math.abs((dx.toArray() as number[])[0] - (3 + Math.E)) < 1e-5);
    noGradient(x);
    assert.deepEqual(grad(outputs[1], [x, y], { allowUnused: true })[1], null);
    assert.throws(() => grad(x.sum(), [y]), /allowUnused: true/);
    assert.throws(() => grad(x.sum(), [tensor([1])]), /^TorchError: gradients: .*not require grad/);
  });

  test('reach a tensor that is no leaf only when it retains them', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3).retainGrad();
    const z = y.mul(2);
    z.sum().backward();
    assert.deepEqual(y.grad?.toArray(), [2, 2]);
    noGradient(z);
    assert.deepEqual([x.isLeaf, y.isLeaf, y.detach().isLeaf], [true, false, true]);
  });

  test('a second pass needs retainGraph, and says so', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    y.backward(undefined, { retainGraph: true });
    y.backward();
    assert.deepEqual(x.grad?.toArray(), [4, 8]);
    assert.throws(
      () => y.backward(),
      (error) => {
        assert.ok(error instanceof TorchError);
        assert.equal(error.operator, 'backward');
        assert.match(error.reason, /backward through the graph a second time.* Specify retainGraph: true/);
        assert.deepEqual(error.arguments.slice(0, 2), ['[float32[]]', 'null']);
        return true;
      },
    );
  });

  test('are refused where there are none', () => {
    assert.throws(() => tensor([1]).backward(), /does not require grad/);
    assert.throws(() => leaf([1]).detach().sum().backward(), /does not require grad/);
    const integers = tensor([1], { dtype: 'int64' });
    assert.throws(() => (integers.requiresGrad = true), /Only Tensors of floating point/i);
    const y = leaf([1]).mul(2);
    assert.throws(() => (y.requiresGrad = false), /you can only change requires_grad flags of leaf variables/);
  });
});

describe('noGrad', () => {
  test('notes nothing, nests, and ends with its function', () => {
    const x = leaf([1]);
    const y = noGrad(() => {
      assert.equal(isGradEnabled(), false);
      const inside = enableGrad(() => x.mul(2));
      assert.equal(inside.requiresGrad, true);
      assert.equal(isGradEnabled(), false);
      noGrad(() => {});
      assert.equal(isGradEnabled(), false);
      x.add_(1);
      return x.mul(2);
    });
    assert.equal(y.requiresGrad, false);
    assert.equal(isGradEnabled(), true);
    assert.deepEqual(x.toArray(), [2]);
  });

  test('ends with an exception too', () => {
    assert.throws(() => noGrad(() => zeros([2]).matmul(zeros([3]))), TorchError);
    assert.equal(isGradEnabled(), true);
    assert.throws(() => noGrad(() => enableGrad(() => assert.fail('inside'))), /inside/);
    assert.equal(isGradEnabled(), true);
  });

  test('takes no async function', async () => {
    await assert.rejects(async () => noGrad(async () => zeros([1])), /takes no async function/);
    assert.equal(isGradEnabled(), true);
  });
});

// `hasThreads` is what a machine with CUDA does: the engine on a second thread, hooks answered on this one.
for (const hasThreads of [false, true]) {
  const backward = (loss: Tensor, createGraph = false) =>
    native.backward([loss.handle], null, createGraph, createGraph, hasThreads);

  describe(hasThreads ? 'hooks, asked from another thread' : 'hooks', () => {
    test('see the gradient, replace it, and come off', () => {
      const x = leaf([1, 2]);
      const seen: Nested[] = [];
      const off = x.registerHook((gradient) => {
        seen.push(gradient.toArray());
        return gradient.mul(10);
      });
      backward(x.mul(x).sum());
      assert.deepEqual(seen, [[2, 4]]);
      assert.deepEqual(x.grad?.toArray(), [20, 40]);
      off();
      off();
      backward(x.mul(x).sum());
      assert.deepEqual(x.grad?.toArray(), [22, 44]);
      x.dispose();
      off();
    });

    test('that give nothing change nothing, and several run in order', () => {
      const x = leaf([1]);
      const order: string[] = [];
      x.registerHook((gradient) => {
        order.push(`first ${gradient.item()}`);
        return gradient.add(1);
      });
      x.registerHook((gradient) => void order.push(`second ${gradient.item()}`));
      backward(x.mul(5).sum());
      assert.deepEqual(order, ['first 5', 'second 6']);
      assert.equal(x.grad?.item(), 6);
    });

    test('work on tensors that are no leaves', () => {
      const x = leaf([1, 2]);
      const y = x.mul(2);
      y.registerHook((gradient) => gradient.mul(tensor([1, 0])));
      backward(y.mul(y).sum());
      assert.deepEqual(x.grad?.toArray(), [8, 0]);
      assert.throws(() => tensor([1]).registerHook(() => undefined), /doesn't require gradient/);
    });

    test('run without gradients, unless the pass creates a graph', () => {
      const x = leaf([3]);
      const modes: boolean[] = [];
      x.registerHook((gradient) => {
        modes.push(isGradEnabled());
        return gradient.add(x);
      });
      backward(x.mul(2).sum());
      assert.equal(x.grad?.requiresGrad, false);
      forget(x);
      backward(x.mul(x).sum(), true);
      assert.deepEqual(modes, [false, true]);
      assert.equal(x.grad?.requiresGrad, true);
      assert.equal(isGradEnabled(), true);
      forget(x);
    });

    test('see the autocast of the pass', () => {
      const x = leaf([[1]]);
      const seen: string[] = [];
      x.registerHook((gradient) => void seen.push(gradient.matmul(gradient).dtype));
      backward(x.mul(x).sum());
      autocast({}, () => backward(x.mul(x).sum()));
      backward(x.mul(x).sum());
      assert.deepEqual(seen, ['float32', 'bfloat16', 'float32']);
    });

    test('may start another pass', () => {
      const x = leaf([1]);
      const z = leaf([4]);
      x.registerHook((gradient) => {
        enableGrad(() => backward(z.mul(gradient).sum()));
        return z.grad ?? undefined;
      });
      backward(x.mul(7).sum());
      assert.equal(z.grad?.item(), 7);
      assert.equal(x.grad?.item(), 7);
    });

    test('in a scope leave nothing behind', () => {
      const x = leaf([1, 2]);
      let kept: Tensor | undefined;
      x.registerHook((gradient) => {
        kept ??= keep(gradient.neg());
        return gradient.mul(2).add(1);
      });
      tidy(() => backward(x.sum()));
      const before = liveTensors();
      tidy(() => backward(x.sum()));
      tidy(() => tidy(() => backward(x.sum())));
      assert.equal(liveTensors(), before);
      assert.deepEqual(kept?.toArray(), [-1, -1]);
      assert.deepEqual(x.grad?.toArray(), [9, 9]);
    });

    test('that throw end the pass with their error as the cause, and the engine works on', () => {
      const x = leaf([1, 2]);
      const boom = new RangeError('boom');
      const off = x.registerHook(() => {
        throw boom;
      });
      for (let i = 0; i < 3; i++) {
        assert.throws(
          () => backward(x.mul(2).sum()),
          (error) => {
            assert.ok(error instanceof TorchError);
            assert.equal(error.reason, 'a gradient hook threw: boom');
            assert.equal(error.cause, boom);
            return true;
          },
        );
      }
      assert.equal(isGradEnabled(), true);
      off();
      backward(x.mul(2).sum());
      assert.deepEqual(x.grad?.toArray(), [2, 2]);
      const off2 = x.registerHook(() => {
        throw 'words';
      });
      assert.throws(() => backward(x.sum()), { reason: 'a gradient hook threw: words' });
      off2();
      x.registerHook((gradient) => gradient.matmul(zeros([5, 5])));
      assert.throws(
        () => backward(x.sum()),
        (error) => {
          assert.ok(error instanceof TorchError && error.cause instanceof TorchError);
          assert.equal(error.cause.operator, 'aten::matmul');
          return true;
        },
      );
    });

    test('that give a gradient of another shape, or a disposed one, are told so', () => {
      const x = leaf([1, 2]);
      const off = x.registerHook(() => zeros([3]));
      assert.throws(() => backward(x.sum()), TorchError);
      off();
      const gone = zeros([2]);
      gone.dispose();
      x.registerHook(() => gone);
      assert.throws(() => backward(x.sum()), /the tensor was disposed/);
    });
  });
}

test('hooks are gone with the graph they were on', () => {
  tidy(() => {
    const x = leaf([1]);
    for (let i = 0; i < 10; i++) x.mul(2).registerHook(() => undefined);
    x.dispose();
  });
  assert.ok(new Tensor(native.fromBuffer(Float32Array.of(1), 'float32', [1])));
});
