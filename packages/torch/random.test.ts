import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { full, rand, randint, randn, randperm } from './create.ts';
import recorded from './fixtures/cpu_generator.json' with { type: 'json' };
import { Generator, getRandomState, manualSeed, ops, setRandomState, type Tensor } from './index.ts';

/** The draws of the recorded file, in its order. */
function draw(generator?: Generator): Record<string, number[]> {
  const half = full([8], 0.5);
  const list = (values: Tensor, count = values.numel) => (values.toArray() as number[]).slice(0, count);
  return {
    randperm_10: list(randperm(10, { generator })),
    rand_4: list(rand([4], { generator })),
    randn_4: list(randn([4], { generator })),
    randn_20_first4: list(randn([20], { generator }), 4),
    randint_0_100_6: list(randint(0, 100, [6], { generator })),
    bernoulli_half_8: list(ops.bernoulli(half, generator ?? null)),
  };
}

/** Recorded with nine digits; half precision of the last one is all that may differ. */
function assertSame(found: Record<string, number[]>, expected: Record<string, number[]>): void {
  for (const [name, values] of Object.entries(expected)) {
    assert.equal(found[name].length, values.length, name);
    for (const [i, value] of values.entries())
      assert.ok(Math.abs(found[name][i] - value) <= 5e-9 * Math.abs(value), `${name}[${i}]: ${found[name][i]}`);
  }
}

describe('the same seed gives the numbers of PyTorch', () => {
  for (const [seed, expected] of Object.entries(recorded.seeds)) {
    test(`from the default generator, seed ${seed}`, () => {
      manualSeed(Number(seed));
      assertSame(draw(), expected);
    });
    test(`from a generator of one's own, seed ${seed}`, () => {
      manualSeed(99);
      const before = getRandomState();
      const generator = new Generator(Number(seed));
      assertSame(draw(generator), expected);
      assertSame(draw(generator.manualSeed(Number(seed))), expected);
      assert.deepEqual(getRandomState(), before, 'the default generator stays where it was');
    });
  }
});

test('a state taken and given back repeats the numbers', () => {
  const generator = new Generator(5);
  rand([3], { generator });
  randn([1], { generator });
  const state = generator.getState();
  const first = draw(generator);
  assert.notDeepEqual(draw(generator), first);
  generator.setState(state);
  assert.deepEqual(draw(generator), first);
  const other = new Generator(0);
  other.setState(state);
  assert.deepEqual(draw(other), first);
  manualSeed(1);
  setRandomState(state);
  assert.deepEqual(draw(), first);
});

test('a state of another length is refused', () => {
  const generator = new Generator(0);
  assert.throws(() => generator.setState(new Uint8Array(10)), { name: 'TorchError' });
  assert.throws(() => setRandomState(new Uint8Array(0)), { name: 'TorchError' });
});

test('a seed is a whole number of at least 0', () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => manualSeed(seed), RangeError);
    assert.throws(() => new Generator(seed), RangeError);
    assert.throws(() => new Generator(0).manualSeed(seed), RangeError);
  }
  assert.deepEqual(draw(new Generator(2 ** 53 - 1)), draw(new Generator(2 ** 53 - 1)));
});
