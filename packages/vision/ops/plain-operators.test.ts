import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cat, hasOp, manualSeed, ops, Parameter, rand, randn, type Tensor, tensor, tidy } from '@fovea/torch';
import { deformableConvolution } from './deformable-convolution.ts';
import { batchedNms, nms } from './nms.ts';
import { plainDeformableConvolution } from './plain-deformable-convolution.ts';
import { plainNms } from './plain-nms.ts';
import { plainRoiAlign } from './plain-roi-align.ts';
import { roiAlign } from './roi-align.ts';

const skip = hasOp('torchvision::nms') ? false : "torchvision's compiled operators, to compare with, are not installed";

const randomBoxes = (count: number, size: number): Tensor => {
  const corner = rand([count, 2]).mul(size);
  return cat(
    [
      corner,
      corner.add(
        rand([count, 2])
          .mul(size / 4)
          .add(1),
      ),
    ],
    1,
  );
};

function assertClose(found: Tensor | null, expected: Tensor | null, tolerance: number): void {
  assert.ok(found && expected);
  assert.deepEqual(found.shape, expected.shape);
  const worst = found.sub(expected).abs().max().item() / Math.max(1e-3, expected.std().item());
  assert.ok(worst <= tolerance, `differs by ${worst} standard deviations`);
}

describe('operators made of tensor operators give the numbers of the compiled ones', { skip }, () => {
  for (const [count, threshold] of [
    [0, 0.5],
    [1, 0.5],
    [400, 0.3],
    [2500, 0.7],
  ]) {
    test(`nms of ${count} boxes`, () =>
      tidy(() => {
        manualSeed(count);
        const [boxes, scores] = [randomBoxes(count, 100), rand([count])];
        assert.deepEqual(plainNms(boxes, scores, threshold).toArray(), ops.nms(boxes, scores, threshold).toArray());
      }));
  }

  test('nms where an IoU is the threshold itself, and where boxes have no area', () => {
    const boxes = tensor([
      [0, 0, 10, 10],
      [0, 0, 10, 5],
      [3, 3, 3, 3],
      [3, 3, 3, 3],
    ]);
    const scores = tensor([0.9, 0.8, 0.7, 0.6]);
    assert.deepEqual(plainNms(boxes, scores, 0.5).toArray(), ops.nms(boxes, scores, 0.5).toArray());
    assert.deepEqual(plainNms(boxes, scores, 0.49).toArray(), [0, 2, 3]);
  });

  for (const [samplingRatio, aligned] of [
    [2, false],
    [-1, false],
    [-1, true],
    [3, true],
  ] as const) {
    test(`roi align, sampling ratio ${samplingRatio}${aligned ? ', aligned' : ''}, with its gradient`, () =>
      tidy(() => {
        manualSeed(5);
        const options = { size: [7, 5], scale: 0.25, samplingRatio, aligned } as const;
        const outside = tensor([
          [-30, -20, 40, 30],
          [100, 90, 190, 170],
          [7, 7, 7, 7],
          [-90, -90, -60, -70],
        ]);
        const boxes = cat([randomBoxes(40, 120), outside]);
        const regions = cat([rand([44, 1]).mul(2).floor(), boxes], 1);
        const values = randn([2, 6, 30, 32]);
        const weights = randn([44, 6, 7, 5]);
        const [ours, theirs] = [plainRoiAlign, roiAlign].map((align) => {
          const features = new Parameter(values.clone());
          const output = align(features, regions, options);
          output.mul(weights).sum().backward();
          return { output, gradient: features.grad };
        });
        assertClose(ours.output, theirs.output, 1e-5);
        assertClose(ours.gradient, theirs.gradient, 1e-5);
      }));
  }

  test('roi align of no region', () => {
    const options = { size: [7, 7], scale: 1, samplingRatio: 2, aligned: false } as const;
    assert.deepEqual(plainRoiAlign(randn([1, 4, 8, 8]), rand([0, 5]), options).shape, [0, 4, 7, 7]);
  });

  for (const masked of [false, true]) {
    test(`deformable convolution${masked ? ' with a mask' : ''}, with all gradients`, () =>
      tidy(() => {
        manualSeed(6);
        const make = [
          randn([2, 8, 9, 11]),
          randn([6, 4, 3, 2]),
          randn([2, 24, 5, 11]).mul(2),
          rand([2, 12, 5, 11]),
          randn([6]),
        ];
        const geometry = { stride: [2, 1], padding: [1, 1], dilation: [1, 2] } as const;
        const seed = randn([2, 6, 5, 11]);
        const [ours, theirs] = [plainDeformableConvolution, deformableConvolution].map((convolve) => {
          const leaves = make.map((values) => new Parameter(values.clone()));
          const [input, weight, offset, mask, bias] = leaves;
          const output = convolve(input, { weight, offset, bias, mask: masked ? mask : null, ...geometry });
          output.mul(seed).sum().backward();
          return { output, leaves };
        });
        assertClose(ours.output, theirs.output, 1e-5);
        for (const [index, leaf] of ours.leaves.entries())
          if (masked || index !== 3) assertClose(leaf.grad, theirs.leaves[index].grad, 1e-4);
      }));
  }
});

test('suppression by category gives the same with many boxes, where it goes category by category', () =>
  tidy(() => {
    manualSeed(7);
    const boxes = randomBoxes(1500, 60);
    const scores = rand([1500]);
    const categories = rand([1500]).mul(4).floor().long();
    const apart = boxes.add(categories.mul(1000).float().unsqueeze(1));
    assert.deepEqual(batchedNms(boxes, scores, categories, 0.5).toArray(), nms(apart, scores, 0.5).toArray());
  }));
