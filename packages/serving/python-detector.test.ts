import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { maskArea, maskPolygons } from '@fovea/data/masks';
import { resizeLinear } from '@fovea/data/resize-linear';
import { pasteMasks, plainNonMaxSuppression, tilesOf } from '@fovea/vision/transforms';
import sharp from 'sharp';
import { type ObjectPrediction, openModel } from './index.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** Debian's python3, which may have the packages, is not always the first on the PATH. */
const python = ['python3', '/usr/bin/python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import numpy, PIL']).status === 0,
);
const has = (name: string) => python !== undefined && spawnSync(python, ['-c', `import ${name}`]).status === 0;

let work: string;
let path: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-python-detector-'));
  const stubs = join(work, 'stubs');
  await cp(fixture('python-stubs'), stubs, { recursive: true });
  path = [stubs, ...(has('onnxruntime') ? [] : [fixture('onnxruntime')])].join(':');
});
after(() => rm(work, { recursive: true }));

/** Runs a program with the code of a model folder at hand; it prints one JSON value. */
function run(folder: string, program: string, input?: unknown): unknown {
  const code = `import json, sys\nimport fovea_scoring as scoring\ngiven = json.load(sys.stdin)\n${program}`;
  const result = spawnSync(python as string, ['-W', 'error::RuntimeWarning', '-c', code], {
    encoding: 'utf8',
    input: JSON.stringify(input ?? null),
    maxBuffer: 1 << 28,
    env: { ...process.env, FOVEA_NODE: process.execPath, PYTHONPATH: `${path}:${join(folder, 'code')}` },
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

/** A copy whose settings.json has other values. */
async function edited(name: string, settings: object): Promise<string> {
  const folder = await mkdtemp(join(work, `${name}-`));
  await cp(fixture(name), folder, { recursive: true });
  const file = join(folder, 'artifacts/settings.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  return folder;
}

/** What detectors of boxes and of masks answer. */
interface Masked {
  boxes: (ObjectPrediction['boxes'][number] & { polygon?: number[][]; mask?: string })[];
}

async function pixelsOf(picture = ''): Promise<[string, Buffer]> {
  const { data, info } = await sharp(Buffer.from(picture, 'base64')).raw().toBuffer({ resolveWithObject: true });
  return [`${info.width} ${info.height} ${info.channels}`, data];
}

const cornersOf = (polygon: readonly number[]): string[] =>
  polygon.flatMap((x, i) => (i % 2 === 0 ? [`${x} ${polygon[i + 1]}`] : []));

let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

/** Coloured noise in coarse patches. */
async function picture(width: number, height: number): Promise<string> {
  const patches = Uint8Array.from({ length: 8 * 6 * 3 }, () => 256 * random());
  const file = join(work, `${width}x${height}-${Math.floor(1e9 * random())}.png`);
  await sharp(patches, { raw: { width: 8, height: 6, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toFile(file);
  return file;
}

const ANSWER = `
import base64, os
paths = {"model": "artifacts/model.pt", "settings": "artifacts/settings.json", "labels": "artifacts/labels.json",
    "onnx": "artifacts/model.onnx", "loader": "fovea.json"}
class Context: artifacts = {name: os.path.join(given["folder"], path) for name, path in paths.items()}
model = scoring.FoveaModel()
model.load_context(Context)
images = [open(file, "rb").read() for file in given["files"]]
table = model.predict(Context, [base64.b64encode(image).decode() for image in images])
print(json.dumps([list(table.columns), table["boxes"].tolist()]))`;

describe('in Python, a detector', { skip: python ? false : 'no python3 with numpy and Pillow' }, () => {
  for (const [name, settings] of [
    ['halves', { box_score_thresh: 0.1 }],
    ['halves', { box_score_thresh: 0.02, img_size: 96 }],
    ['halves', { box_score_thresh: 0.01, tile_grid_size: '3x2' }],
    [
      'halves',
      { box_score_thresh: 0.01, tile_grid_size: '2x2', tile_overlap_ratio: 0.5, tile_predictions_nms_thresh: 0.1 },
    ],
    ['quarters', {}],
    ['quarters', { box_score_thresh: 0.05 }],
    ['quarters', { box_score_thresh: 0.05, box_detections_per_img: 2 }],
    ['quarters', { box_score_thresh: 0.05, tile_grid_size: '2x2', tile_overlap_ratio: 0 }],
    ['rings', { box_score_thresh: 0.05, mask_pixel_score_threshold: 0.2, max_number_of_polygon_points: 1000 }],
    ['rings', { box_score_thresh: 0.05, mask_pixel_score_threshold: 0.1, max_number_of_polygon_points: 20 }],
    ['rings', { box_score_thresh: 0.05, mask_pixel_score_threshold: 0.2, export_as_image: true, image_type: 'png' }],
  ] as const) {
    test(`answers what Fovea answers: ${name} with ${JSON.stringify(settings)}`, async () => {
      const folder = await edited(name, settings);
      const sizes: [number, number][] =
        name !== 'halves'
          ? [
              [200, 120],
              [96, 192],
            ]
          : [
              [200, 120],
              [97, 191],
              [31, 40],
            ];
      const files = await Promise.all(sizes.map((size) => picture(...size)));
      const model = await openModel(folder, { threads: 1 });
      const expected = (await model.predict(files)) as Masked[];
      await model.close();
      const [columns, answers] = run(folder, ANSWER, { folder, files }) as [string[], Masked['boxes'][]];
      assert.deepEqual(columns, ['boxes']);
      assert.ok(expected.some(({ boxes }) => boxes.length > 0));
      for (const [i, { boxes }] of expected.entries()) {
        assert.deepEqual(
          answers[i].map(({ label }) => label),
          boxes.map(({ label }) => label),
        );
        for (const [k, { box, score, polygon, mask }] of boxes.entries()) {
          const kind = polygon ? ['polygon'] : mask ? ['mask'] : [];
          assert.deepEqual(Object.keys(answers[i][k]), ['box', 'label', 'score', ...kind]);
          assert.equal(answers[i][k].polygon?.length, polygon?.length);
          for (const [at, piece] of (polygon ?? []).entries()) {
            const other = answers[i][k].polygon?.[at] ?? [];
            assert.ok(piece.length > 6 && piece.length === other.length);
            assert.ok(piece.every((value, n) => Math.abs(value - other[n]) < 1e-9));
          }
          if (mask) assert.deepEqual(await pixelsOf(answers[i][k].mask), await pixelsOf(mask));
          assert.deepEqual(Object.keys(answers[i][k].box), ['topX', 'topY', 'bottomX', 'bottomY']);
          const numbers = [...Object.values(answers[i][k].box), answers[i][k].score];
          for (const [at, value] of [...Object.values(box), score].entries())
            assert.ok(Math.abs(value - numbers[at]) < 1e-6, `${value} and ${numbers[at]}`);
        }
      }
    });
  }

  test('resizes bit for bit, down, up and to a half', () => {
    const cases = (
      [
        [40, 30, 17, 23],
        [17, 23, 40, 31],
        [64, 48, 32, 24],
        [50, 1, 20, 3],
        [33, 33, 33, 33],
        [2, 3, 100, 100],
      ] as const
    ).map(([width, height, toWidth, toHeight]) => ({
      from: { width, height },
      to: { width: toWidth, height: toHeight },
      pixels: Uint8Array.from({ length: width * height * 3 }, () => 256 * random()),
    }));
    const program = `
import numpy
print(json.dumps([scoring.resize_linear(numpy.array(case["pixels"], numpy.uint8).reshape(case["from"]["height"], case["from"]["width"], 3),
    case["to"]["width"], case["to"]["height"]).ravel().tolist() for case in given]))`;
    const answers = run(
      fixture('halves'),
      program,
      cases.map((one) => ({ ...one, pixels: [...one.pixels] })),
    ) as number[][];
    for (const [i, { from, to, pixels }] of cases.entries()) {
      const isSame = from.width === to.width && from.height === to.height;
      assert.deepEqual(answers[i], [...(isSame ? pixels : resizeLinear(pixels, from, to))], JSON.stringify(to));
    }
  });

  test('keeps the boxes that no better one covers, and finds tiles where they are', () => {
    const count = 400;
    const boxes = Float32Array.from(
      { length: 4 * count },
      (_, i) => (i % 4 < 2 ? 60 : 40) * random() + (i % 4 < 2 ? 0 : 60),
    );
    // Equal scores among them: the first box is the better one then.
    const scores = Float32Array.from({ length: count }, () => Math.round(50 * random()) / 50);
    const labels = Int32Array.from({ length: count }, () => 3 * random());
    const program = `
import numpy
boxes, scores, labels = (numpy.array(given[key], dtype) for key, dtype in (("boxes", numpy.float32), ("scores", numpy.float32), ("labels", int)))
print(json.dumps([
    [scoring.suppress(boxes.reshape(-1, 4), scores, labels, *case).tolist() for case in given["nms"]],
    [scoring.tiles_of(*case) for case in given["tiles"]],
]))`;
    const nms = [
      [0.3, count],
      [0.6, count],
      [0.5, 7],
      [0, count],
    ] as const;
    const tiles = [
      [640, 480, 3, 2, 0.25],
      [101, 67, 2, 2, 0],
      [1000, 40, 5, 3, 0.5],
      [33, 20, 4, 4, 0.25],
      [500, 333, 3, 3, 0.97],
    ] as const;
    const given = { boxes: [...boxes], scores: [...scores], labels: [...labels], nms, tiles };
    const [kept, placed] = run(fixture('halves'), program, given) as [number[][], number[][][]];
    assert.deepEqual(
      kept,
      nms.map(([threshold, most]) => [...plainNonMaxSuppression({ boxes, scores, labels }, threshold, most)]),
    );
    assert.deepEqual(
      placed,
      tiles.map(([width, height, columns, rows, overlap]) =>
        tilesOf({ width, height }, { columns, rows, overlap }).map((tile) => [
          tile.left,
          tile.top,
          tile.width,
          tile.height,
        ]),
      ),
    );
  });

  test('puts masks on images and outlines them, with holes, in few points too', () => {
    const sizes = [
      { width: 60, height: 40, side: 14 },
      { width: 33, height: 90, side: 28 },
    ];
    const cases = sizes.flatMap(({ width, height, side }) =>
      Array.from({ length: 12 }, () => {
        const [x, y] = [(width + 20) * random() - 20, (height + 20) * random() - 20];
        const box = [x, y, x + width * random(), y + height * random()].map(Math.fround);
        const cells = Array.from({ length: side * side }, () => Math.fround(random()));
        return { width, height, side, box, cells };
      }),
    );
    const most = [1e6, 100, 31, 3];
    const program = `
import numpy
def answer(width, height, side, box, cells):
    cells = numpy.array(cells, numpy.float32).reshape(side, side)
    left, top, mask = scoring.paste(cells, numpy.array(box, numpy.float32), width, height, 0.5)
    polygons = [[[value + (top if i % 2 else left) for i, value in enumerate(polygon)] for polygon in scoring.polygons_of_mask(mask, most)]
        for most in given["most"]]
    return [int(mask.sum()), polygons]
print(json.dumps([answer(**case) for case in given["cases"]]))`;
    const answers = run(fixture('rings'), program, { cases, most }) as [number, number[][][]][];
    let holes = 0;
    for (const [i, { side, box, cells, ...image }] of cases.entries()) {
      const [mask] = pasteMasks({ masks: Float32Array.from(cells), boxes: box, side }, image);
      assert.equal(answers[i][0], maskArea(mask));
      const expected = most.map((mostPoints) => maskPolygons(mask, { mostPoints }));
      assert.deepEqual(answers[i][1], expected);
      holes += Number(expected[0].some((polygon) => polygon.length / 2 > new Set(cornersOf(polygon)).size));
    }
    assert.ok(holes > 0, 'a cut is walked there and back');
  });

  test('says what is wrong with its settings', () => {
    const settings = { img_size: 64, box_score_thresh: 0.3, nms_iou_thresh: 0.5, tile_overlap_ratio: 0.25 };
    const cases = [
      { img_size: 100 },
      { box_score_thresh: 3 },
      { tile_grid_size: '1x1' },
      { tile_grid_size: 'three' },
      { tile_overlap_ratio: 1 },
    ];
    const program = `
def problem(settings):
    try: scoring.checked(settings)
    except ValueError as error: return str(error)
print(json.dumps([problem(case) for case in given]))`;
    const answers = run(
      fixture('halves'),
      program,
      [{}, ...cases].map((one) => ({ ...settings, ...one })),
    ) as (string | null)[];
    assert.equal(answers[0], null);
    for (const [i, message] of [
      /img_size is 100 and should be a multiple of 32/,
      /box_score_thresh is 3 and should be a number, 0 to 1/,
      /tile_grid_size is '1x1' and should be two numbers as in 3x2/,
      /tile_grid_size is 'three'/,
      /tile_overlap_ratio is 1 and should be a number from 0/,
    ].entries())
      assert.match(answers[i + 1] ?? '', message);
  });

  test('says what is wrong with the settings of masks', () => {
    const settings = {
      mask_pixel_score_threshold: 0.5,
      max_number_of_polygon_points: 100,
      export_as_image: false,
      image_type: 'JPG',
    };
    const cases = [
      { mask_pixel_score_threshold: 2 },
      { max_number_of_polygon_points: 2 },
      { export_as_image: 'no' },
      { image_type: 'GIF' },
    ];
    const program = `
def problem(settings):
    try: scoring.check_mask_settings(settings)
    except ValueError as error: return str(error)
print(json.dumps([problem(case) for case in given]))`;
    const answers = run(
      fixture('rings'),
      program,
      [{}, ...cases].map((one) => ({ ...settings, ...one })),
    );
    assert.deepEqual(answers, [
      null,
      'mask_pixel_score_threshold is 2 and should be a number, 0 to 1',
      'max_number_of_polygon_points is 2 and should be a whole number of 3 or more',
      "export_as_image is 'no' and should be True or False",
      "image_type is 'GIF' and should be one of JPG, PNG, BMP",
    ]);
  });
});
