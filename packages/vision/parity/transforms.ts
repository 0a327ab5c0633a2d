import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { type Decode, decodeImage, imageSize, type Pixels } from '@fovea/data';
import { fromTypedArray, ops, type Tensor, tidy } from '@fovea/torch';
import { adjustTensor } from '../transforms/colour-adjust-tensor.ts';
import {
  applyColourPlan,
  type ColourPlan,
  centreCrop,
  letterbox,
  letterboxGeometry,
  normalisePixels,
  randomResizedCrop,
  resizeShortSide,
  torchRandom,
} from '../transforms/index.ts';
import * as check from './check.ts';

type Check = check.Check;

/** Pixels as they must be to the last bit; some of their values are there to see how far off others are. */
interface RecordedPixels {
  shape_hwc: [height: number, width: number, channels: number];
  sha256_of_hwc_bytes: string;
  first: number[];
  at: [number, number][];
}
type RecordedValues = check.RecordedTensor;
type Factors = Record<ColourPlan[number]['operation'], number>;

/** `transforms/*.json`: what an image beside the file becomes by transforms of torchvision and by YOLOv5's letterbox. */
export interface TransformsFile {
  image: string;
  size_wh: [number, number];
  factors: Factors;
  normalize: { mean: number[]; std: number[] };
  [figure: string]: unknown;
}

/** Values of float tensors are asked to this, absolutely. */
const TOLERANCE = 1e-4;

/** Keys that are no figures. */
const SETTINGS = ['source', 'image', 'size_wh', 'factors', 'normalize'];

interface Subject extends TransformsFile {
  file: string;
  width: number;
  height: number;
  /** The whole picture. */
  pixels: Uint8Array;
}

/** @param folder where the image lies */
export async function* checkTransforms(recorded: TransformsFile, folder: string): AsyncIterable<Check> {
  const file = resolve(folder, basename(recorded.image));
  const { width, height } = await imageSize({ file });
  const { pixels } = await decodeImage({ file, resize: { width, height } });
  const subject: Subject = { ...recorded, file, width, height, pixels };
  yield check.same('size', recorded.size_wh, [width, height]);
  for (const [name, figure] of Object.entries(recorded)) {
    if (SETTINGS.includes(name)) continue;
    const known = FIGURES.map(([pattern, look]) => ({ found: pattern.exec(name), look })).find(({ found }) => found);
    if (known?.found) yield* known.look(name, figure, subject, known.found.slice(1).map(Number));
    else yield check.failed(name, 'an unknown kind of figure');
  }
}

type Checks = Iterable<Check> | AsyncIterable<Check>;
type Look = (name: string, figure: unknown, subject: Subject, numbers: readonly number[]) => Checks;

/** The figures by the names they have in the file; a number in a name is a size. */
const FIGURES: readonly [pattern: RegExp, look: Look][] = [
  [/^decoded$/, (name, figure, image) => decoded(name, figure, image, {})],
  [/^hflip$/, (name, figure, image) => decoded(name, figure, image, { flip: true })],
  [/^vflip$/, (name, figure, image) => decoded(name, figure, image, { flipVertical: true })],
  [/^resize_(\d+)_pil$/, (name, figure, image, [size]) => decoded(name, figure, image, { resize: short(image, size) })],
  [
    /^resize_(\d+)_bicubic_pil$/,
    (name, figure, image, [size]) =>
      decoded(name, figure, image, { resize: short(image, size), interpolation: 'bicubic' }),
  ],
  [
    /^resize_to_(\d+)x(\d+)_hw_pil$/,
    (name, figure, image, [height, width]) => decoded(name, figure, image, { resize: { width, height } }),
  ],
  [
    /^resize_(\d+)_centercrop_(\d+)_pil$/,
    (name, figure, image, [size, crop]) => decoded(name, figure, image, validation(image, size, crop)),
  ],
  [
    /^resize_(\d+)_centercrop_(\d+)_totensor_normalize$/,
    (name, figure, image, [size, crop]) =>
      normalised(name, figure, image, validation(image, size, crop), image.normalize),
  ],
  [
    /^hflip_totensor$/,
    (name, figure, image) => normalised(name, figure, image, { flip: true }, { mean: [0, 0, 0], std: [1, 1, 1] }),
  ],
  [
    /^resize_(\d+)_tensor_float_antialias$/,
    (name, figure, image, [size]) => resizedTensor(name, figure, image, { size: short(image, size), antialias: true }),
  ],
  [
    /^resize_(\d+)_tensor_float_no_antialias$/,
    (name, figure, image, [size]) => resizedTensor(name, figure, image, { size: short(image, size), antialias: false }),
  ],
  [/^colorjitter_pil$/, colourOfPixels],
  [/^colorjitter_tensor_(?:uint8|float)$/, colourOfTensors],
  [/^resized_crop$/, resizedCrop],
  [/^letterbox_rgb_order$/, letterboxes],
  [/^random_resized_crop_params_by_seed$/, cropParameters],
];

const short = ({ width, height }: Subject, size: number) => resizeShortSide(width, height, size);

function validation(image: Subject, size: number, crop: number): Partial<Decode> {
  const resize = short(image, size);
  return { resize, cropAfter: centreCrop(resize.width, resize.height, crop).source };
}

const decode = ({ file, width, height }: Subject, how: Partial<Decode>): Promise<Pixels> =>
  decodeImage({ file, resize: { width, height }, ...how });

async function* decoded(name: string, figure: unknown, image: Subject, how: Partial<Decode>): AsyncIterable<Check> {
  yield samePixels(name, figure as RecordedPixels, await decode(image, how));
}

function samePixels(name: string, reference: RecordedPixels, { pixels, width, height }: Pixels): Check {
  const shape = [height, width, 3];
  if (`${shape}` !== `${reference.shape_hwc}`) {
    return check.failed(name, `shape [${shape}], expected [${reference.shape_hwc}]`);
  }
  const exact = createHash('sha256').update(pixels).digest('hex') === reference.sha256_of_hwc_bytes;
  if (exact) return { name, passed: true, says: `${pixels.length} of ${pixels.length} bytes equal` };
  const recorded = [...reference.first.entries(), ...reference.at];
  const worst = recorded.reduce((most, [i, value]) => Math.max(most, Math.abs(value - pixels[i])), 0);
  return check.failed(name, `not the same bytes; of ${recorded.length} recorded values the worst is off by ${worst}`);
}

/** Compares the recorded values, and mean and standard deviation, absolutely. */
function sameValues(name: string, figure: unknown, found: Tensor): Check {
  const reference = figure as RecordedValues;
  if (`${found.shape}` !== `${reference.shape}`) {
    return check.failed(name, `shape [${found.shape}], expected [${reference.shape}]`);
  }
  return check.within(name, check.largestDeviation(reference, check.numbers(found)), TOLERANCE);
}

async function* normalised(
  name: string,
  figure: unknown,
  image: Subject,
  how: Partial<Decode>,
  { mean, std }: TransformsFile['normalize'],
): AsyncIterable<Check> {
  const { pixels, width, height } = await decode(image, how);
  const values = normalisePixels(pixels, width * height, { mean, std });
  yield tidy(() => sameValues(name, figure, fromTypedArray(values, [3, height, width])));
}

/** uint8 [3, H, W] */
function bytesOf({ pixels, width, height }: Pick<Subject, 'pixels' | 'width' | 'height'>): Tensor {
  return fromTypedArray(pixels, [height, width, 3]).permute([2, 0, 1]).contiguous();
}

interface TensorResize {
  size: { width: number; height: number };
  antialias: boolean;
  /** Part of the image that is resized. Default: all of it. */
  crop?: { top: number; left: number; height: number; width: number };
}

function* resizedTensor(name: string, figure: unknown, image: Subject, how: TensorResize): Iterable<Check> {
  const { size, antialias, crop = { top: 0, left: 0, height: image.height, width: image.width } } = how;
  yield tidy(() => {
    const whole = bytesOf(image).float().div(255);
    const part = whole.narrow(1, crop.top, crop.height).narrow(2, crop.left, crop.width).unsqueeze(0);
    const resize = antialias ? ops._upsampleBilinear2dAa : ops.upsampleBilinear2d;
    return sameValues(name, figure, resize(part.contiguous(), [size.height, size.width], false).squeeze(0));
  });
}

async function* resizedCrop(name: string, figure: unknown, image: Subject): AsyncIterable<Check> {
  const { top_left_height_width, size, ...figures } = figure as Record<string, unknown> & {
    top_left_height_width: [number, number, number, number];
    size: number;
  };
  const [top, left, height, width] = top_left_height_width;
  const crop = { top, left, height, width };
  const square = { width: size, height: size };
  const looks: Record<string, (label: string, one: unknown) => Checks> = {
    pil: (label, one) => decoded(label, one, image, { crop, resize: square }),
    normalized: (label, one) => normalised(label, one, image, { crop, resize: square }, image.normalize),
    tensor_float_antialias: (label, one) => resizedTensor(label, one, image, { size: square, antialias: true, crop }),
    tensor_float_no_antialias: (label, one) =>
      resizedTensor(label, one, image, { size: square, antialias: false, crop }),
  };
  for (const [key, one] of Object.entries(figures)) {
    const look = looks[key];
    if (look) yield* look(`${name} ${key}`, one);
    else yield check.failed(`${name} ${key}`, 'an unknown kind of figure');
  }
}

/** The steps that a name stands for: one operation, or all in the order that it says. */
function planOf(name: string, factors: Factors): ColourPlan | null {
  const all = Object.keys(factors) as (keyof Factors)[];
  const step = (operation: keyof Factors) => ({ operation, factor: factors[operation] });
  if (name === 'all_in_reverse_order') return all.toReversed().map(step);
  const order = name.replace(/^all_in_order_/, '').split('_') as (keyof Factors)[];
  return order.every((operation) => all.includes(operation)) ? order.map(step) : null;
}

function* colourOfPixels(name: string, figure: unknown, { pixels, width, height, factors }: Subject): Iterable<Check> {
  for (const [key, reference] of Object.entries(figure as Record<string, RecordedPixels>)) {
    const plan = planOf(key, factors);
    const changed = pixels.slice();
    if (plan) applyColourPlan(changed, plan);
    yield plan
      ? samePixels(`${name} ${key}`, reference, { pixels: changed, width, height })
      : check.failed(`${name} ${key}`, 'an unknown kind of figure');
  }
}

function* colourOfTensors(name: string, figure: unknown, image: Subject): Iterable<Check> {
  const isFloat = name.endsWith('float');
  for (const [key, reference] of Object.entries(figure as Record<string, unknown>)) {
    const plan = planOf(key, image.factors);
    const label = `${name} ${key}`;
    if (!plan) {
      yield check.failed(label, 'an unknown kind of figure');
      continue;
    }
    yield tidy(() => {
      const bytes = bytesOf(image);
      const start = isFloat ? bytes.float().div(255) : bytes;
      const changed = plan.reduce((tensor, { operation, factor }) => adjustTensor[operation](tensor, factor), start);
      if (isFloat) return sameValues(label, reference, changed);
      const pixels = changed.permute([1, 2, 0]).contiguous().toBytes();
      return samePixels(label, reference as RecordedPixels, { pixels, width: image.width, height: image.height });
    });
  }
}

interface RecordedLetterbox {
  args: { new_shape: number; auto?: boolean; scaleup?: boolean; scaleFill?: boolean; stride?: number };
  ratio: [number, number];
  pad_dw_dh: [number, number];
  output: RecordedPixels;
}

function* letterboxes(name: string, figure: unknown, image: Subject): Iterable<Check> {
  for (const { args, ratio, pad_dw_dh, output } of figure as RecordedLetterbox[]) {
    const { new_shape: size, auto, scaleup: scaleUp, scaleFill: stretch, stride } = args;
    const label = `${name} ${Object.entries(args).map(([key, value]) => `${key}=${value}`)}`;
    const placement = letterboxGeometry(image, size, { auto, scaleUp, stretch, stride });
    const { ratioX, ratioY, padding, canvas } = placement;
    const wanted = [...ratio, ...pad_dw_dh];
    const found = [ratioX, ratioY, padding.x, padding.y];
    const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
    yield check.within(`${label}, ratio and padding`, worst, 1e-6);
    yield samePixels(label, output, { pixels: letterbox(image.pixels, image, placement), ...canvas });
  }
}

interface RecordedCrops {
  scale: [number, number];
  ratio: [number, number];
  order: string;
  params: Record<string, number[]>;
}

function* cropParameters(name: string, figure: unknown, { width, height }: Subject): Iterable<Check> {
  const { scale, ratio, order, params } = figure as RecordedCrops;
  for (const [seed, expected] of Object.entries(params)) {
    const box = randomResizedCrop(width, height, torchRandom(Number(seed)), { scale, ratio });
    const found = order.split(',').map((side) => box[side as keyof typeof box]);
    yield check.same(`${name} seed ${seed}`, expected, found);
  }
}
