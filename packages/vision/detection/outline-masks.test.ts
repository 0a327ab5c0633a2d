import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BatchLoader, type Pixels } from '@fovea/data';
import sharp from 'sharp';
import { augmentModule } from '../transforms/index.ts';
import { mixSeeds, torchRandom } from '../transforms/random.ts';
import { type BoxedImage, type DetectionSample, rcnnTrainingSample, rcnnValidationSample } from './augment.ts';
import { boxedImage } from './boxed-image.ts';
import { partsOf } from './image-parts.ts';
import { outlineMasks } from './outline-masks.ts';

/** In shares of the image: a red C, and a green object in two pieces. */
const RED = [[0.08, 0.15, 0.45, 0.15, 0.45, 0.35, 0.25, 0.35, 0.25, 0.65, 0.45, 0.65, 0.45, 0.85, 0.08, 0.85]];
const GREEN = [
  [0.55, 0.1, 0.9, 0.45, 0.55, 0.45],
  [0.6, 0.6, 0.95, 0.6, 0.95, 0.9, 0.75, 0.7, 0.6, 0.9],
];
const bounds = (pieces: number[][]) => {
  const [xs, ys] = [0, 1].map((axis) => pieces.flatMap((piece) => piece.filter((_, i) => i % 2 === axis)));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
};
const SIZES = [
  [240, 160],
  [150, 200],
  [320, 110],
];
const images: BoxedImage[] = [];
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-outlines-'));
  for (const [i, [width, height]] of SIZES.entries()) {
    const drawn = (pieces: number[][], colour: string) =>
      pieces.map((piece) => {
        const points = piece.map((value, k) => value * (k % 2 === 0 ? width : height));
        return `<polygon points="${points}" fill="${colour}"/>`;
      });
    const shapes = [...drawn(RED, '#ff0000'), ...drawn(GREEN, '#00ff00')].join('');
    const svg = `<svg width="${width}" height="${height}"><rect width="100%" height="100%" fill="#303030"/>${shapes}</svg>`;
    const file = join(folder, `${i}.png`);
    await sharp(Buffer.from(svg)).png().toFile(file);
    const objects = [
      { label: 'red', box: bounds(RED), polygons: RED, crowd: false },
      { label: 'green', box: bounds(GREEN), polygons: GREEN, crowd: false },
      { label: 'red', box: [0, 0, 1, 1] as const, crowd: true },
    ];
    const record = { file, source: { file }, width, height, bytes: 1, objects };
    images.push(boxedImage(record, ['red', 'green'], { outlines: true }));
  }
});
after(() => rmSync(folder, { recursive: true }));

async function pixelsOf(samples: readonly DetectionSample[]): Promise<Pixels[]> {
  await using loader = new BatchLoader({ workers: 0, augmentModule });
  const found: Pixels[] = [];
  for await (const { images: some } of loader.run([samples.map(({ sample }) => sample)], { mixedSizes: true }))
    for (const { pixels, width, height } of some) found.push({ pixels: pixels.slice(), width, height });
  return found;
}

/** Intersection over union of the masks with the pixels that have more of the object's colour than of the others. */
function overlaps({ boxes }: DetectionSample, { pixels, width, height }: Pixels): number[] {
  const masks = outlineMasks(boxes.outlines ?? [], { width, height });
  return Array.from(boxes.classes, (label, k) => {
    let [both, either] = [0, 0];
    for (let i = 0; i < width * height; i++) {
      const isThere = pixels[3 * i + label] > 150 && pixels[3 * i + 1 - label] < 120;
      const isDrawn = masks[k * width * height + i] === 1;
      if (isThere && isDrawn) both++;
      if (isThere || isDrawn) either++;
    }
    return both / either;
  });
}

describe('masks lie on their objects', () => {
  const kinds: [string, () => DetectionSample[]][] = [
    [
      'in training: cut, expanded, mirrored and resized',
      () =>
        Array.from({ length: 60 }, (_, i) =>
          rcnnTrainingSample(images[i % 3], { minSize: 200, maxSize: 320 }, torchRandom(mixSeeds(4, i))),
        ),
    ],
    ['in validation', () => images.map((image) => rcnnValidationSample(image, { minSize: 120, maxSize: 300 }))],
    [
      'of tiles',
      () =>
        images
          .flatMap((image) => partsOf(image, { columns: 2, rows: 2, overlap: 0.25 }))
          .map((image) => rcnnValidationSample(image, { minSize: 150, maxSize: 300 })),
    ],
  ];
  for (const [name, make] of kinds) {
    test(name, async () => {
      const samples = make();
      const pictures = await pixelsOf(samples);
      const found = samples.flatMap((sample, i) => overlaps(sample, pictures[i]));
      assert.ok(found.length >= samples.length, `${found.length} objects`);
      // Edges of small pictures are blurred, and what is left of an object at the edge of a crop may be a few pixels.
      const good = found.filter((overlap) => overlap > 0.9).length / found.length;
      assert.ok(
        good > 0.9 && Math.min(...found) > 0.5,
        `${good} of ${found.length} are right, the worst is ${Math.min(...found)}`,
      );
      for (const { boxes, size } of samples) {
        assert.equal(boxes.outlines?.length, boxes.classes.length);
        for (const [k, outline] of (boxes.outlines ?? []).entries()) {
          const [x1, y1, x2, y2] = bounds(outline.map((piece) => Array.from(piece)));
          const box = boxes.corners.subarray(4 * k, 4 * k + 4);
          assert.ok(
            [x1, y1, x2, y2].every((value, c) => Math.abs(value - box[c]) < 0.01),
            'the box is around the outline',
          );
          assert.ok(x1 >= 0 && y1 >= 0 && x2 <= size.width + 1e-6 && y2 <= size.height + 1e-6);
        }
      }
    });
  }
});

test('an object without the outline that is asked for is refused, and nobody has outlines who does not ask', () => {
  const { width, height, file } = images[0];
  const record = {
    ...{ file, source: { file }, width, height, bytes: 1 },
    objects: [{ label: 'red', box: [0, 0, 1, 1] as const, crowd: false }],
  };
  assert.throws(() => boxedImage(record, ['red'], { outlines: true }), /"red"\) has a box and no outline/);
  assert.equal(boxedImage(record, ['red']).boxes.outlines, undefined);
  assert.deepEqual(boxedImage({ ...record, objects: [] }, [], { outlines: true }).boxes.outlines, []);
  assert.deepEqual(outlineMasks([], { width: 4, height: 4 }), new Uint8Array());
});
