import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOwnProcess } from './own-process.ts';

test('200 steps of training a small convolutional net take no more memory than 50, without a garbage collection', () => {
  const { output } = inOwnProcess(`
    import { liveTensors, manualSeed, noGrad, ops, Parameter, randn, randint, setNumThreads, tidy } from './index.ts';
    setNumThreads(1);
    manualSeed(0);
    const parameters = [[16, 3, 3, 3], [16], [32, 16, 3, 3], [32], [10, 32], [10]].map(
      (shape) => new Parameter(randn(shape).mul_(0.1)),
    );
    const [w1, b1, w2, b2, w3, b3] = parameters;
    b1.registerHook((gradient) => gradient.mul(1));
    const losses = [];
    const step = () => tidy(() => {
      const x = randn([16, 3, 32, 32]);
      const y = randint(0, 10, [16]);
      const h = ops.maxPool2d(ops.conv2d(x, w1, b1, 1, 1).relu(), 2);
      const z = ops.adaptiveAvgPool2d(ops.conv2d(h, w2, b2, 1, 1).relu(), 1).flatten(1);
      const loss = ops.crossEntropyLoss(ops.linear(z, w3, b3), y);
      loss.backward();
      noGrad(() => {
        for (const p of parameters) {
          p.sub_(p.grad, 0.01);
          p.grad = null;
        }
      });
      return loss.item();
    });
    const memory = [];
    const live = [];
    for (let i = 1; i <= 200; i++) {
      losses.push(step());
      if (i === 50 || i === 200) {
        memory.push(process.memoryUsage.rss());
        live.push(liveTensors());
      }
    }
    console.log(JSON.stringify({ memory, live, finite: losses.every(Number.isFinite) }));
  `);
  const { memory, live, finite } = JSON.parse(output);
  assert.deepEqual({ live, finite }, { live: [6, 6], finite: true });
  assert.ok(memory[1] < memory[0] * 1.1, `${memory[0]} bytes after 50 steps, ${memory[1]} after 200`);
});
