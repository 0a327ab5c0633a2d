import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Affine } from './augment-plan.ts';
import { warpAffine } from './warp-affine.ts';

interface Recorded {
  size: [width: number, height: number];
  output: [width: number, height: number];
  border: number;
  cases: { matrix: Affine; sha256: string }[];
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('../fixtures/warp-affine.json', import.meta.url), 'utf8'));

test("affine maps give OpenCV's pixels, bit for bit", () => {
  const [from, to] = [recorded.size, recorded.output].map(([width, height]) => ({ width, height }));
  const pixels = Uint8Array.from({ length: from.width * from.height * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  for (const { matrix, sha256 } of recorded.cases) {
    const found = warpAffine(pixels, from, matrix, to, recorded.border);
    assert.equal(createHash('sha256').update(found).digest('hex'), sha256, `${matrix}`);
  }
});
