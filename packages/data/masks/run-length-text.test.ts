import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { maskFromText, maskToText } from './run-length-text.ts';
import { maskArea } from './run-lengths.ts';

interface Recorded {
  readonly counts: readonly number[];
  readonly compressed: string;
  readonly size: readonly [number, number];
}

// From pycocotools 2.0.11.
const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('../fixtures/run-lengths.json', import.meta.url), 'utf8'),
);

test('run lengths are packed into text and unpacked as pycocotools does it', () => {
  for (const { counts, compressed, size } of recorded) {
    const mask = maskFromText(compressed, ...size);
    assert.deepEqual([...mask.counts], counts);
    assert.equal(maskToText(mask), compressed);
    assert.equal(
      maskArea(mask),
      counts.reduce((sum, run, i) => sum + (i % 2) * run, 0),
    );
  }
});

test('texts that cannot be run lengths are refused', () => {
  for (const text of ['a', '~', 'PPPPPPPPP', '']) assert.throws(() => maskFromText(text, 2, 3), RangeError);
});
