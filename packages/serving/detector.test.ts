import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { formatObjects, loadModel, type ObjectModel, type ObjectPrediction, openModel } from './index.ts';

/** Written by example-detectors.ts of automl; it says what they find. */
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-detector-'));
});
after(() => rm(work, { recursive: true }));

async function opened(folder: string): Promise<ObjectModel> {
  const model = await openModel(folder, { threads: 1 });
  assert.ok(model.task === 'image_object_detection');
  return model;
}

/** A copy whose settings.json has other values. */
async function edited(name: string, settings: object): Promise<string> {
  const folder = await mkdtemp(join(work, `${name}-`));
  await cp(fixture(name), folder, { recursive: true });
  const file = join(folder, 'artifacts/settings.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  return folder;
}

/** Red in the left top quarter and, half as bright, in the right bottom one. */
async function picture(width = 100, height = 60): Promise<string> {
  const file = join(work, `picture-${width}x${height}.png`);
  const patch = (r: number) => ({
    create: { width: width / 2, height: height / 2, channels: 3 as const, background: { r, g: 0, b: 0 } },
  });
  await sharp({ create: { width, height, channels: 3, background: 'black' } })
    .composite([
      { input: await sharp(patch(255)).png().toBuffer(), left: 0, top: 0 },
      { input: await sharp(patch(153)).png().toBuffer(), left: width / 2, top: height / 2 },
    ])
    .toFile(file);
  return file;
}

function success(answer: object): ObjectPrediction {
  assert.ok('boxes' in answer, JSON.stringify(answer));
  return answer as ObjectPrediction;
}

const rounded = ({ boxes }: ObjectPrediction) =>
  boxes.map(({ box, label, score }) => [
    label,
    Number(score.toFixed(1)),
    ...Object.values(box).map((n) => Number(n.toFixed(2))),
  ]);

describe('a detector with regions', () => {
  test('answers normalised corners, best first, and of images that cannot be read the reason', async () => {
    const model = await opened(fixture('quarters'));
    const bytes = await readFile(await picture());
    const [first, missing, second, blank] = await model.predict([
      await picture(),
      'none.jpg',
      bytes,
      await sharp({ create: { width: 40, height: 40, channels: 3, background: 'black' } })
        .png()
        .toBuffer(),
    ]);
    const expected = [
      ['left top', 1, 0, 0, 0.5, 0.5],
      ['right bottom', 0.6, 0.5, 0.5, 1, 1],
    ];
    assert.deepEqual(rounded(success(first)), expected);
    assert.deepEqual(rounded(success(second)), expected);
    assert.deepEqual(Object.keys(success(first).boxes[0].box), ['topX', 'topY', 'bottomX', 'bottomY']);
    assert.ok('error' in missing && /none\.jpg/.test(missing.error));
    assert.deepEqual(success(blank), { boxes: [] });
    await model.close();
  });

  test('has the thresholds of settings.json', async () => {
    for (const [settings, labels] of [
      [{ box_score_thresh: 0.7 }, ['left top']],
      [{ box_detections_per_img: 1 }, ['left top']],
      [{ box_score_thresh: 0.1, min_size: 24, max_size: 200 }, ['left top', 'right bottom']],
    ] as const) {
      const model = await opened(await edited('quarters', settings));
      const [answer] = await model.predict([await picture()]);
      assert.deepEqual(
        success(answer).boxes.map(({ label }) => label),
        labels,
      );
      await model.close();
    }
  });

  test('says what is wrong with settings.json', async () => {
    await assert.rejects(
      openModel(await edited('quarters', { box_score_thresh: 3, img_size: 640 })),
      /"img_size" is not a setting; box_score_thresh is 3 and should be a number, 0 … 1.*min_size, max_size/,
    );
    await assert.rejects(
      openModel(await edited('halves', { img_size: 100 })),
      /img_size is 100 and should be a multiple of 32/,
    );
    await assert.rejects(
      openModel(await edited('halves', { model_size: 'large' })),
      /model_size cannot be changed.*"small"/,
    );
  });

  test('looks at tiles where settings.json asks for it, and joins what overlaps', async () => {
    const tiled = { tile_grid_size: '2x1', tile_overlap_ratio: 0, box_score_thresh: 0.7 };
    // Each tile says of its own quarters; what the whole says of the same label is as good, and comes first.
    const whole = ['left top', 1, 0, 0, 0.5, 0.5];
    const ofTile = ['right top', 1, 0.25, 0, 0.5, 0.5];
    const dim = { ...tiled, box_score_thresh: 0.3, tile_predictions_nms_thresh: 0.6 };
    for (const [settings, expected] of [
      [tiled, [whole, ofTile]],
      [{ ...tiled, tile_grid_size: '(2, 1)' }, [whole, ofTile]],
      [{ ...tiled, box_detections_per_img: 1 }, [whole]],
      [{ ...tiled, tile_grid_size: null }, [whole]],
      // What the tiles add overlaps by half what the whole says.
      [
        dim,
        [
          whole,
          ['left top', 1, 0, 0, 0.25, 0.5],
          ofTile,
          ['left bottom', 0.6, 0.5, 0.5, 0.75, 1],
          ['right bottom', 0.6, 0.5, 0.5, 1, 1],
          ['right bottom', 0.6, 0.75, 0.5, 1, 1],
        ],
      ],
    ] as const) {
      const model = await opened(await edited('quarters', settings));
      const [answer] = await model.predict([await picture(128, 64)]);
      assert.deepEqual(rounded(success(answer)).map(String).sort(), expected.map(String).sort());
      await model.close();
    }
    // Tiles of 30 pixels would be too small: the picture is looked at as a whole.
    const model = await opened(await edited('quarters', { tile_grid_size: '1x2', tile_overlap_ratio: 0 }));
    const [answer] = await model.predict([await picture(100, 60)]);
    assert.deepEqual(rounded(success(answer)), [whole, ['right bottom', 0.6, 0.5, 0.5, 1, 1]]);
    await model.close();
  });

  test('says what is wrong with tiles in settings.json', async () => {
    for (const [settings, problem] of [
      [{ tile_grid_size: '3' }, /settings\.json.*tile_grid_size is "3" and should be two numbers as in 3x2; or null/],
      [{ tile_grid_size: '1x1' }, /tile_grid_size is "1x1" and should be more than one tile/],
      [{ tile_grid_size: '100x100' }, /tile_grid_size is "100x100" and should be at most 256 tiles/],
      [{ tile_overlap_ratio: 1 }, /tile_overlap_ratio is 1 and should be a number from 0 up to but not including 1/],
      [{ tile_predictions_nms_thresh: '0.3' }, /tile_predictions_nms_thresh is "0.3" and should be a number, 0 … 1/],
      [{ tile_grid: '3x2' }, /"tile_grid" is not a setting.*tile_grid_size, tile_overlap_ratio/],
    ] as const)
      for (const name of ['quarters', 'halves']) await assert.rejects(openModel(await edited(name, settings)), problem);
  });

  test('is no classifier', async () => {
    await assert.rejects(loadModel(fixture('quarters')), /fasterrcnn_resnet18_fpn finds objects/);
  });
});

test('cells of a square become boxes of the picture that lies in it', async () => {
  // On a square of 64 × 64 the picture is 64 × 38 with grey above and below, and the boxes reach over it.
  const file = join(work, 'teal.png');
  await sharp({ create: { width: 100, height: 60, channels: 3, background: { r: 255, g: 255, b: 20 } } }).toFile(file);
  const grey = 114 / 255;
  const covered = 38 / 64;
  const colour = (value: number): number => value * covered + grey * (1 - covered);
  for (const [folder, labels] of [
    [fixture('halves'), ['green', 'green']],
    [await edited('halves', { box_score_thresh: 0.9 }), []],
  ] as const) {
    const model = await opened(folder);
    const { boxes } = success((await model.predict([file]))[0]);
    assert.deepEqual(
      boxes.map(({ label }) => label),
      labels,
    );
    for (const [i, { box, score }] of boxes.entries()) {
      assert.ok(Math.abs(score - colour(1) ** 2) < 1e-3, String(score));
      assert.deepEqual(box, { topX: i / 2, topY: 0, bottomX: (i + 1) / 2, bottomY: 1 });
    }
    await model.close();
  }
});

test('cells of tiles become boxes of the picture', async () => {
  // Bright on the right: the left tile, the left half of the picture, has nothing in it.
  const file = join(work, 'right.png');
  const bright = await sharp({ create: { width: 50, height: 100, channels: 3, background: { r: 255, g: 255, b: 0 } } })
    .png()
    .toBuffer();
  await sharp({ create: { width: 100, height: 100, channels: 3, background: 'black' } })
    .composite([{ input: bright, left: 50, top: 0 }])
    .toFile(file);
  const settings = { tile_grid_size: '2x1', tile_overlap_ratio: 0, tile_predictions_nms_thresh: 0.5 };
  const model = await opened(await edited('halves', { ...settings, box_score_thresh: 0.45 }));
  const { boxes } = success((await model.predict([file]))[0]);
  // The right tile stands in the middle half of its square, 32 … 64 of 0 … 64; the boxes are the square's halves, clipped to it.
  assert.deepEqual(
    boxes.map(({ label, box }) => [label, ...Object.values(box)]),
    [
      ['green', 0.5, 0, 0.75, 1],
      ['green', 0.75, 0, 1, 1],
    ],
  );
  await model.close();
});

test('a short list for people', () => {
  const found = (label: string, score: number) => ({
    label,
    score,
    box: { topX: 0.1, topY: 0.2, bottomX: 0.5, bottomY: 1 },
  });
  assert.equal(
    formatObjects(
      'street.jpg',
      { boxes: [found('pedestrian', 0.931), found('car', 0.7), found('car', 0.6)] },
      { most: 2 },
    ),
    [
      'street.jpg',
      '  pedestrian   93.1 %  0.100 0.200 – 0.500 1.000',
      '  car          70.0 %  0.100 0.200 – 0.500 1.000',
      '  and 1 more',
    ].join('\n'),
  );
  assert.equal(formatObjects('sky.jpg', { boxes: [] }), 'sky.jpg\n  nothing was found');
});
