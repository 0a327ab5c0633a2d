import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mixSeeds, torchRandom } from './random.ts';

test('the stream is that of torch.manual_seed', () => {
  // torch 1.13.1: empty(1).uniform_(-0.3, 0.7), randperm(4), randint(0, 1000, (1,)) in turn, after manual_seed(5)
  const random = torchRandom(5);
  assert.equal(random.uniform(-0.3, 0.7), 0.5302518606185913);
  assert.deepEqual(random.permutation(4), [2, 0, 3, 1]);
  assert.equal(random.integer(1000), 6);
  for (let i = 0; i < 2000; i++) random.uniform(0, 1); // past two refills of the state
  assert.equal(random.uniform(0, 1), 0.9269381165504456);
});

test('mixed seeds differ with every part and its place', () => {
  const seeds = new Set<number>();
  for (let run = 0; run < 20; run++) {
    for (let epoch = 0; epoch < 20; epoch++) for (let i = 0; i < 50; i++) seeds.add(mixSeeds(run, epoch, i));
  }
  assert.ok(seeds.size > 19_980, `${20_000 - seeds.size} of 20,000 seeds are the same`);
  assert.notEqual(mixSeeds(1, 2), mixSeeds(2, 1));
  assert.notEqual(mixSeeds(1), mixSeeds(1, 0));
  assert.notEqual(mixSeeds(2 ** 32), mixSeeds(0));
});
