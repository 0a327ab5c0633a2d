import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRng } from '@fovea/data';
import type { Assignment, Distribution, Value } from './space.ts';
import { draw, treeOf } from './space-tree.ts';

interface DistributionCase {
  id: string;
  expression: Distribution;
  points?: [number, number][];
  pmf?: [Value, number][];
}
const goldens: { chi_square_0_999: Record<string, number>; cases: DistributionCase[] } = JSON.parse(
  readFileSync(new URL('../fixtures/hpo/distributions.json', import.meta.url), 'utf8'),
);
const draws = 2000;

/** sup |ECDF − CDF| at the given points, against the Kolmogorov-Smirnov bound of level 0.001. */
function assertContinuous(samples: number[], points: [number, number][]): void {
  const distance = Math.max(
    ...points.map(([x, p]) => Math.abs(samples.filter((sample) => sample <= x).length / samples.length - p)),
  );
  assert.ok(distance < 1.9495 / Math.sqrt(samples.length), `distance ${distance}`);
}

/** Pearson's chi-square of level 0.999, cells with an expected count below 5 merged. */
function assertDiscrete(samples: Value[], pmf: [Value, number][]): void {
  const cell = (value: Value) =>
    pmf.findIndex(([x]) => x === value || (typeof x === 'number' && Math.abs(x - Number(value)) < 1e-9));
  const counts = pmf.map(() => 0);
  for (const sample of samples) {
    const index = cell(sample);
    assert.notEqual(index, -1, `${sample} can not be drawn`);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const rest = { count: 0, expected: 0 };
  let statistic = 0;
  let cells = 0;
  for (const [index, [, probability]] of pmf.entries()) {
    const expected = probability * samples.length;
    const count = counts[index] ?? 0;
    if (expected < 5) {
      rest.count += count;
      rest.expected += expected;
      continue;
    }
    statistic += (count - expected) ** 2 / expected;
    cells += 1;
  }
  if (rest.expected >= 5) {
    statistic += (rest.count - rest.expected) ** 2 / rest.expected;
    cells += 1;
  }
  const critical = goldens.chi_square_0_999[String(cells - 1)];
  assert.ok(critical !== undefined && statistic < critical, `chi-square ${statistic} in ${cells} cells`);
}

for (const { id, expression, points, pmf } of goldens.cases) {
  test(`draws of ${id} follow ${JSON.stringify(expression).slice(0, 60)}`, () => {
    const random = createRng(7).uniform;
    const samples = Array.from({ length: draws }, () => draw({ x: expression }, random).x as Value);
    if (points) assertContinuous(samples as number[], points);
    else assertDiscrete(samples, pmf ?? []);
  });
}

test('a trial belongs to one sub-space, each equally often; fixed values and nested choices are kept', () => {
  const random = createRng(1).uniform;
  const space = [
    {
      model_name: 'resnet18',
      optimizer: { type: 'choice', values: [{ name: 'sgd', momentum: { type: 'choice', values: [0.5] } }] },
    },
    { model_name: 'resnet34', epochs: 3 },
  ] as const;
  const samples = Array.from({ length: 1000 }, () => draw(space, random));
  const first = samples.filter((sample) => sample.model_name === 'resnet18');
  assert.ok(Math.abs(first.length - 500) < 52, `${first.length} of 1000`);
  assert.deepEqual(first[0], { model_name: 'resnet18', optimizer: { name: 'sgd', momentum: 0.5 } });
  assert.deepEqual(
    samples.find((sample) => sample.model_name === 'resnet34'),
    { model_name: 'resnet34', epochs: 3 },
  );
});

test('an empty choice is an error, not undefined', () => {
  assert.throws(() => draw({ x: { type: 'choice', values: [] } }, Math.random), RangeError);
});

const branches = [
  {
    model: 'a',
    rate: { type: 'loguniform', min_value: -6, max_value: -1 },
    size: { type: 'quniform', min_value: 0, max_value: 10, q: 4 },
    optimizer: {
      type: 'choice',
      values: ['adam', { name: 'sgd', momentum: { type: 'normal', mu: 0.9, sigma: 0.05 } }],
    },
  },
  { model: { type: 'choice', values: ['b', 'c'] }, rate: { type: 'loguniform', min_value: -6, max_value: -1 } },
  { model: 'd', layers: { type: 'randint', upper: 5 }, flags: [1, 2] },
] as const;

test('the shares of a draw lead to it again, and those of steps do not depend on where in them they lay', () => {
  const tree = treeOf(branches);
  const random = createRng(11).uniform;
  for (let i = 0; i < 300; i++) {
    const { assignment, shares } = tree.draw(random);
    const found = tree.sharesOf(assignment);
    assert.ok(found);
    for (const [site, share] of shares.entries()) {
      assert.equal(Number.isNaN(share), Number.isNaN(found[site]));
      if (!Number.isNaN(share))
        assert.ok(Math.abs(share - found[site]) < 1e-9, `${JSON.stringify(assignment)} ${site}`);
    }
    const again = tree.draw((site) => found[site.index]).assignment;
    for (const [name, value] of Object.entries(assignment)) {
      if (typeof value === 'number')
        assert.ok(Math.abs(value - (again[name] as number)) < 1e-9 * Math.abs(value) + 1e-12);
      else if (name !== 'optimizer') assert.deepEqual(again[name], value);
    }
  }
});

test('equal expressions of one parameter are one site in all sub-spaces; single options are none', () => {
  // The sub-space, rate, size, optimizer, momentum, the model of the second, layers.
  assert.equal(treeOf(branches).sites.length, 7);
  assert.equal(treeOf({ model: 'a', layers: { type: 'choice', values: [3] } }).sites.length, 0);
});

test('what a space can not give has no shares', () => {
  const tree = treeOf(branches);
  const foreign: Assignment[] = [{}, { model: 'a' }, { model: 'd', layers: 2 }, { model: 'b', rate: 'fast' }];
  for (const assignment of [...foreign, { model: 'x', rate: 0.1 }]) assert.equal(tree.sharesOf(assignment), null);
});
