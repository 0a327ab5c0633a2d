import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { mixSeeds, torchRandom } from '../transforms/random.ts';
import { boxesOfPlan, iouCrop, planDetection, zoomOut } from './augment-plan.ts';

type Four = [number, number, number, number];

/** Recorded by fixtures/record-detection-augment.py. */
interface Figure {
  seed: number;
  size: [number, number];
  boxes: number[];
  /** Left, top, width, height. */
  crop: Four;
  canvas: Four;
  flip: boolean;
  kept: number[];
  after: number[];
  next: number;
}

const figures: Figure[] = JSON.parse(
  readFileSync(new URL('../fixtures/detection-augment.json', import.meta.url), 'utf8'),
);
const rectangle = ([left, top, width, height]: Four) => ({ left, top, width, height });
const allOf = (corners: number[]) => ({ corners, classes: corners.slice(0, corners.length / 4).map((_, i) => i) });

describe('torchvision with the same seed', () => {
  for (const { seed, size, boxes, ...figure } of figures) {
    test(`cuts, expands and mirrors the same: seed ${seed}, ${size.join(' × ')}`, () => {
      const image = { width: size[0], height: size[1] };
      const random = torchRandom(seed);
      const crop = iouCrop(image, boxes, random);
      assert.deepEqual(crop ?? { left: 0, top: 0, ...image }, rectangle(figure.crop));
      const canvas = zoomOut(crop ?? image, random);
      assert.deepEqual(canvas, rectangle(figure.canvas));
      assert.equal(random.uniform(0, 1) < 0.5, figure.flip);
      assert.equal(random.uniform(0, 1), figure.next, 'and goes on with the same number');

      // At the size of the canvas, nothing is resized: boxes are the same, too, except those that nearly nothing is left of.
      const [least, most] = [Math.min(canvas.width, canvas.height), Math.max(canvas.width, canvas.height)];
      const plan = planDetection(image, { corners: boxes }, { minSize: least, maxSize: most }, torchRandom(seed));
      const isSame = plan.output.width === canvas.width && plan.output.height === canvas.height;
      if (!isSame) return; // Single precision takes a pixel from some sizes, there as here.
      const found = boxesOfPlan(plan, allOf(boxes));
      const after = figure.kept.flatMap((label, i) => {
        const [x1, y1, x2, y2] = figure.after.slice(4 * i, 4 * i + 4);
        return x2 - x1 >= 1 && y2 - y1 >= 1 ? [{ label, corners: [x1, y1, x2, y2] }] : [];
      });
      assert.deepEqual(
        [...found.classes],
        after.map(({ label }) => label),
      );
      assert.equal(found.dropped, boxes.length / 4 - after.length);
      for (const [i, value] of after.flatMap(({ corners }) => corners).entries())
        assert.ok(Math.abs(found.corners[i] - value) < 1e-3, `${found.corners[i]} is not ${value}`);
    });
  }
});

describe('a plan', () => {
  const image = { width: 400, height: 300 };
  const boxes = { corners: [10, 10, 60, 60, 200, 100, 390, 290], classes: [0, 1] };
  const options = { minSize: 120, maxSize: 200 };
  const plan = (seed: number) => planDetection(image, boxes, options, torchRandom(mixSeeds(3, seed)));

  test('is the same for the same seed, and of the size that the detector wants', () => {
    const sizes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const one = plan(seed);
      assert.deepEqual(one, plan(seed));
      const { output, placed, crop } = one;
      sizes.add(`${output.width} × ${output.height}`);
      const [short, long] = [Math.min(output.width, output.height), Math.max(output.width, output.height)];
      assert.ok(short <= 120 && long <= 200 && (short >= 119 || long >= 199), `${short} × ${long}`);
      assert.ok(placed.left >= 0 && placed.left + placed.width <= output.width && placed.width > 0);
      assert.ok(placed.top >= 0 && placed.top + placed.height <= output.height && placed.height > 0);
      assert.ok(crop.left >= 0 && crop.left + crop.width <= 400 && crop.top >= 0 && crop.top + crop.height <= 300);
    }
    assert.ok(sizes.size > 10);
  });

  test('without augmentation draws nothing and shows the whole image', () => {
    const fail = () => assert.fail('something was drawn');
    const random = { uniform: fail, integer: fail, permutation: fail };
    const one = planDetection(image, boxes, { minSize: 150, maxSize: 1000, augment: false }, random);
    assert.deepEqual(one, {
      crop: { left: 0, top: 0, ...image },
      cropped: false,
      output: { width: 200, height: 150 },
      placed: { left: 0, top: 0, width: 200, height: 150 },
      flip: false,
    });
    assert.deepEqual([...boxesOfPlan(one, boxes).corners], [5, 5, 30, 30, 100, 50, 195, 145]);
  });

  test('drops and counts boxes whose centre was cut away, and those that are too thin afterwards', () => {
    const one = {
      crop: { left: 100, top: 0, width: 200, height: 200 },
      cropped: true,
      output: { width: 100, height: 100 },
      placed: { left: 20, top: 30, width: 50, height: 50 },
      flip: true,
    };
    // Centre outside; clipped; whole; half a pixel high.
    const corners = [40, 0, 140, 90, 80, 20, 140, 60, 140, 100, 180, 180, 150, 50, 190, 52];
    const found = boxesOfPlan(one, { corners, classes: [5, 6, 7, 8] });
    assert.deepEqual([...found.classes], [6, 7]);
    assert.deepEqual([...found.corners], [70, 35, 80, 45, 60, 55, 70, 75]);
    assert.equal(found.dropped, 2);
  });

  test('of images that are all edge still has pixels', () => {
    for (let seed = 0; seed < 20; seed++)
      for (const size of [
        { width: 3000, height: 1 },
        { width: 1, height: 1 },
        { width: 2, height: 900 },
      ]) {
        const corners = [0, 0, size.width, size.height];
        const { output, placed } = planDetection(size, { corners }, options, torchRandom(seed));
        assert.ok(Math.min(output.width, output.height, placed.width, placed.height) >= 1);
        assert.ok(placed.left + placed.width <= output.width && placed.top + placed.height <= output.height);
      }
  });
});
