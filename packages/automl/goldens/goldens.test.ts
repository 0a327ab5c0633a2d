import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checksOf } from './kinds.ts';

const FOLDERS = { metrics: 'metrics', xai: 'explain' };
const pathOf = (name: string, folder = 'metrics'): string =>
  fileURLToPath(new URL(`../fixtures/${folder}/${name}.json`, import.meta.url));
const fixture = (name: string, folder?: string) => JSON.parse(readFileSync(pathOf(name, folder), 'utf8'));
const missesOf = (file: unknown): string[] =>
  [...checksOf(file)].filter(({ passed }) => !passed).map(({ name, says }) => `${name}: ${says}`);

const NAMES = {
  metrics: ['classification', 'multilabel', 'coco_detection', 'voc_detection', 'masks'],
  xai: ['segmentation', 'attributions', 'xrai'],
};
const FILES = (Object.keys(NAMES) as (keyof typeof NAMES)[]).flatMap((kind) =>
  NAMES[kind].map((name) => ({ kind, name })),
);

describe('every figure is reproduced', () => {
  for (const { kind, name } of FILES) {
    test(name, () => assert.deepEqual(missesOf(fixture(name, FOLDERS[kind])), []));
  }
});

describe('every figure of the whole files is reproduced', () => {
  const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
  for (const { kind, name } of FILES) {
    const file = join(shared, 'goldens', kind, `${name}.json`);
    test(name, { skip: existsSync(file) ? false : `${file} is not there; FOVEA_SHARED names its folder` }, () =>
      assert.deepEqual(missesOf(JSON.parse(readFileSync(file, 'utf8'))), []),
    );
  }
});

describe('a wrong figure is a miss', () => {
  const one = (id: string) => {
    const file = fixture('classification');
    file.cases = file.cases.filter((each: { id: string }) => each.id === id);
    return file;
  };

  test('that differs in value, is undefined or is not, or has another name', () => {
    const file = one('one_class_only');
    const { expected, curves } = file.cases[0];
    expected.support = [0, 4];
    expected.accuracy += 1e-8;
    curves.n.roc = { fpr: [], tpr: [], thresholds: [] };
    curves.p.pr = null;
    curves.p.lift[3].taken = 3;
    curves.p.calibration.pop();
    curves.p.accuracy_table.tp_fp_tn_fn[0][0] = 2;
    assert.deepEqual(missesOf(file), [
      'one_class_only counts: worst 1.0e+0 of 0 (support[1])',
      'one_class_only metrics: worst 1.0e-8 of 1.0e-9 (accuracy)',
      'one_class_only accuracy_table: worst 1.0e+0 of 1.0e-9 (p.tp_fp_tn_fn[0][0])',
      'one_class_only roc: n is undefined, expected a group',
      'one_class_only pr: p is a group, expected undefined',
      'one_class_only calibration: p is a list of 10, expected a list of 9',
      'one_class_only lift: worst 1.0e+0 of 1.0e-9 (p[3].taken)',
    ]);
  });

  test('that we do not compute', () => {
    const file = one('perfect');
    file.cases[0].expected.cohen_kappa = 1;
    file.cases[0].curves.u.det = [1];
    assert.deepEqual(missesOf(file), [
      'perfect metrics: cohen_kappa is not computed, expected 1',
      'perfect det: u is not computed, expected a list of 1',
    ]);
  });

  test('in how detections were matched, and in arrays', () => {
    const file = fixture('coco_detection');
    file.cases = file.cases.slice(0, 1);
    const { bbox, segm } = file.cases[0].expected;
    bbox.matches_area_all[0].dtMatch_iou75[0] = 0;
    bbox.summary.AP_large = -1;
    segm.recall_iou_category_area_maxdet[3][1][2][0] += 1e-6;
    assert.deepEqual(missesOf(file), [
      'set1_basic bbox summary: worst 1.3e+0 of 1.0e-7 (AP_large)',
      'set1_basic bbox matches: worst 4.0e+0 of 0 ([0].dtMatch_iou75[0])',
      'set1_basic segm recall_iou_category_area_maxdet: worst 1.0e-6 of 1.0e-7 (recall_iou_category_area_maxdet[3][1][2][0])',
    ]);
  });

  test('of one detection', () => {
    const file = fixture('voc_detection');
    file.cases[0].expected.iou50_plus1.per_category['1'].tp[0] ^= 1;
    assert.deepEqual(missesOf(file), ['set2_crowds_many iou50_plus1 category 1: worst 1.0e+0 of 1.0e-9 (tp[0])']);
  });

  test('of one attribution, and of one segment', () => {
    const file = fixture('attributions', 'explain');
    file.cases[0].targets[0].guided_backprop[1][2][3] += 1e-5;
    assert.equal(missesOf(file).length, 1);
    const regions = fixture('xrai', 'explain');
    regions.cases[0].masks_after_dilation_row_major_counts_from_zero.pop();
    assert.match(missesOf(regions)[0], /^no_resize_48x40 masks: /);
  });

  test('of one pixel', () => {
    const file = fixture('masks');
    file.polygons[2].counts[1]++;
    assert.deepEqual(missesOf(file), ['polygon triangle: worst 1.0e+0 of 0 (counts[1])']);
  });

  test('at a threshold', () => {
    const file = fixture('multilabel');
    const boundary = file.cases.find(({ id }: { id: string }) => id === 'threshold_boundary').at_threshold;
    [boundary['0.5_ge'], boundary['0.5_gt']] = [boundary['0.5_gt'], boundary['0.5_ge']];
    assert.equal(missesOf(file).length, 2);
  });
});

describe('npm run goldens', () => {
  const run = (...files: string[]) => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...files], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('prints a line for each check and ends well when all pass', () => {
    const { status, stdout } = run(pathOf('multilabel'));
    assert.equal(status, 0, stdout);
    assert.match(stdout, /✓ multilabel one_sample at 0.5_ge +worst \S+ of 1.0e-9/);
    assert.match(stdout, /1 file, \d+ checks: all within tolerance/);
  });

  test('names the formats it knows, and says what a file lacks', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'goldens-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const write = (name: string, content: unknown): string => {
      writeFileSync(join(folder, name), JSON.stringify(content));
      return join(folder, name);
    };
    const { status, stdout } = run(
      write('other.json', { format: 'weather-1' }),
      write('none.json', { cases: [] }),
      write('empty.json', { format: 'multilabel-cases-1', cases: [] }),
      write('lacking.json', { format: 'multilabel-cases-1', cases: [{ id: 'a', labels: ['x'] }] }),
      write('uneven.json', {
        format: 'multilabel-cases-1',
        cases: [{ id: 'a', labels: ['x'], y_true: [[1]], scores: [[1, 2]], at_threshold: {}, score_metrics: {} }],
      }),
    );
    assert.equal(status, 1);
    assert.match(
      stdout,
      /✗ other +is of format "weather-1"; known formats: classification-cases-1, multilabel-cases-1/,
    );
    assert.match(stdout, /✗ none +has no "format"; known formats:/);
    assert.match(stdout, /✗ empty +.*>=1/);
    assert.match(stdout, /y_true/);
    assert.match(stdout, /✗ uneven +scores\[0\] has 2 values, expected 1/);
    assert.match(stdout, /5 missed/);
  });

  test('without files tells how it is used', () => {
    const { status, stderr } = run();
    assert.equal(status, 2);
    assert.match(stderr, /usage: npm run goldens -- <file.json>/);
  });
});
