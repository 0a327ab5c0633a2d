import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classificationMetrics } from '../metrics/classification-metrics.ts';
import { classificationTables, multilabelTables } from '../metrics/evaluation-tables.ts';
import type { EvaluationTables } from '../metrics/table-schema.ts';
import { trialReport } from './trial-report.ts';

/** Deterministic and spread over 0..1. */
const spread = (index: number): number => ((index * 7919) % 1009) / 1009;

function predictions(images: number, classes: readonly string[]) {
  const truth = Array.from({ length: images }, (_, i) => Math.floor(spread(i + 1) * classes.length));
  const probabilities = truth.map((index, i) => {
    const row = classes.map((_, c) => spread(i * classes.length + c + 3) + (c === index ? 0.4 : 0));
    const sum = row.reduce((total, value) => total + value, 0);
    return row.map((value) => value / sum);
  });
  return { truth, probabilities, classes };
}

const page = (tables: EvaluationTables, epochs = 4): string =>
  trialReport({
    trial: 'amber_lynx_HD_0',
    modelName: 'resnet18',
    primaryMetric: 'accuracy',
    bestEpoch: Math.min(3, epochs),
    epochs: Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      metrics: {
        accuracy: 0.8 + spread(i) / 10,
        train_loss: 1 / (i + 1),
        valid_loss: 1.2 / (i + 1),
        // Undefined in one epoch.
        ...(i !== 1 && { AUC_macro: 0.9 + i / 100 }),
      },
    })),
    tables,
  });

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `class ${i}`);

/** Every element is closed, in the right order. */
function assertBalanced(markup: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of markup.matchAll(/<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*)>/g)) {
    if (slash) assert.equal(name, open.pop(), `</${name}>`);
    else if (!rest.endsWith('/') && name !== 'meta') open.push(name);
  }
  assert.deepEqual(open, []);
}

describe('the page of a trial', () => {
  const tables = classificationTables(predictions(200, ['ants', 'bees', 'wasps']));

  test('shows its metrics, matrix, curves and classes', () => {
    const markup = page(tables);
    assertBalanced(markup);
    assert.match(markup, /<title>amber_lynx_HD_0: accuracy 0\.8\d+<\/title>/);
    for (const chart of ['ROC', 'Precision and recall', 'Cumulative gain', 'Lift', 'Calibration', 'loss', 'accuracy']) {
      assert.match(markup, new RegExp(`<figcaption>${chart}</figcaption>`));
    }
    assert.match(markup, /<th scope="row"><bdi>wasps<\/bdi><\/th>/);
    assert.match(markup, /weighted avg/);
    assert.doesNotMatch(markup, /NaN|undefined|Infinity/);
  });

  test('needs nothing from anywhere and runs nothing', () => {
    const markup = page(tables);
    assert.match(markup, /content="default-src 'none'; style-src 'unsafe-inline'"/);
    assert.doesNotMatch(markup, /<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|https?:/i);
  });

  test('says each picture in words', () => {
    for (const [svg] of page(tables).matchAll(/<svg[^>]*>/g)) {
      assert.match(svg, /role="img" aria-label="[^"]{20,}"|aria-hidden="true"/);
    }
    assert.match(page(tables), /aria-label="ROC\. [^"]*AUC: ants 0\.\d+, bees 0\.\d+, wasps 0\.\d+\./);
  });

  test('takes names for text, whatever they hold', () => {
    const hostile = ['</title><script>alert(1)</script>', '"><img src=x onerror="alert(1)', "&lt;'$&`\\ \u202eevil"];
    const markup = page(classificationTables(predictions(60, hostile)));
    assertBalanced(markup);
    assert.doesNotMatch(markup, /<script|<img/);
    assert.match(markup, /&lt;\/title&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
    assert.match(markup, /&amp;lt;&#39;\$&amp;`/);
  });

  test('draws those that do worst of many classes, and lists confusions instead of a matrix', () => {
    const markup = page(classificationTables(predictions(900, named(60))));
    assertBalanced(markup);
    assert.match(markup, /Of 60 classes the 7 with the lowest F1 are drawn/);
    assert.match(markup, /most frequent of \d+ confusions/);
    assert.equal([...markup.matchAll(/<g class="series style-7">/g)].length, 6, 'five charts and the legend');
    assert.ok(markup.length < 500_000, `${markup.length} characters`);
  });

  test('with one epoch, one image, classes that never occur', () => {
    const one = { truth: [0], probabilities: [[0.7, 0.3]], classes: ['a', 'b'] };
    const markup = page(classificationTables(one), 1);
    assertBalanced(markup);
    assert.doesNotMatch(markup, /NaN|undefined|Infinity/);
    assert.equal(classificationMetrics(one).AUC_macro, null);
  });

  test('with several labels an image shows what is found and missed of each', () => {
    const given = predictions(80, ['beach', 'sea', 'tree']);
    const truth = given.truth.map((index) => given.classes.map((_, c) => (c <= index ? 1 : 0)));
    const markup = page(multilabelTables({ truth, scores: given.probabilities, labels: given.classes }));
    assertBalanced(markup);
    assert.match(markup, /<th scope="col">missed<\/th>/);
    assert.doesNotMatch(markup, /Expected calibration error|NaN|undefined/);
  });
});
