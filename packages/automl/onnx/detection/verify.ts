import { fromTypedArray, type Tensor, tidy, zeros } from '@fovea/torch';
import { masksOnImage, type Size, YoloV5 } from '@fovea/vision';
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { deviceOf, evaluating } from '../evaluating.ts';
import { testImages } from '../test-images.ts';
import { mismatch, normalise, open as openSession } from '../verify.ts';
import { type AnyDetector, type DetectorExportOptions, exportHeads, headsOf, STRIDE } from './export.ts';

export interface DetectorVerification {
  /** Greatest difference of what the heads (YOLOv5: the file itself) say, as a part of their standard deviation. */
  relativeDifference: number;
  /** Detections of the engine that were compared; 0 for YOLOv5, whose file has none. */
  detections: number;
  /**
   * Share of them that the file has too, of the same class, within 1 % of the box's size and 1e-3 of the score; with the same mask,
   * where the model finds masks: cell by cell within 1e-2 on average, and put on the image right.
   */
  agreement: number;
}

interface VerifyDetectorOptions extends Pick<DetectorExportOptions, 'normalisation' | 'opset'> {
  /** As the file was exported. */
  images?: number;
  /** Sizes of the pictures to try; YOLOv5 takes multiples of 32. */
  sizes?: readonly { height: number; width: number }[];
  tolerance?: number;
  threads?: number;
}

/**
 * A decision that two engines round to different sides changes a detection or two of a hundred; an error changes nearly all. Of a
 * handful, which is what a trained model finds in random pictures, one or two can be all that was near a threshold, and the heads, which
 * are compared number by number, have to do.
 */
const LEAST_AGREEMENT = 0.9;
const MOST_ROUNDED = 2;

/**
 * Runs the file in ONNX Runtime and the engine on the same random pictures. Compared are what the heads say of every anchor, number by
 * number, and what is detected, box by box.
 *
 * @param onnx what `exportDetector` gave
 * @throws OnnxError when they differ, when an output is not finite, or when ONNX Runtime cannot run the graph
 */
export async function verifyDetector(
  onnx: Uint8Array,
  model: AnyDetector,
  options: VerifyDetectorOptions = {},
): Promise<DetectorVerification> {
  const { tolerance = 1e-3, threads = 0, images = 1, normalisation } = options;
  const sizes = options.sizes ?? [
    { height: 192, width: 256 },
    { height: 224, width: 160 },
  ];
  const heads = model instanceof YoloV5 ? null : exportHeads(model, options);
  await using file = await open(onnx, threads);
  await using parts = heads && (await open(heads, threads));

  let relativeDifference = 0;
  const tally = { detections: 0, agreeing: 0 };
  for (const { height, width } of sizes) {
    const shape = [images, 3, height, width];
    const pixels = normalisation ? testImages(shape, 0, 1) : testImages(shape);
    const expected = compute(model, normalisation ? normalise(pixels, shape, normalisation) : pixels, shape);
    const feed = { Input: new OrtTensor('float32', pixels, shape) };
    const { session } = parts ?? file;
    const said = await session.run(feed);
    for (const [i, name] of session.outputNames.entries()) {
      const difference = relative(said[name].data as Float32Array, expected.heads[i]);
      if (!(difference <= tolerance))
        throw mismatch(`${name} differs by ${difference.toPrecision(3)} deviations; ${tolerance} is allowed`);
      relativeDifference = Math.max(relativeDifference, difference);
    }
    if (!parts) continue;
    const answers = await file.session.run(feed);
    for (const [i, found] of expected.found.entries()) {
      const { detections, agreeing } = compare(found, {
        boxes: answers[`boxes_${i}`].data as Float32Array,
        labels: answers[`labels_${i}`].data as BigInt64Array,
        scores: answers[`scores_${i}`].data as Float32Array,
        ...(found.masks && { masks: masksIn(answers, i, { height, width }) }),
      });
      tally.detections += detections;
      tally.agreeing += agreeing;
    }
  }
  const agreement = tally.detections === 0 ? 1 : tally.agreeing / tally.detections;
  if (agreement < LEAST_AGREEMENT && tally.detections - tally.agreeing > MOST_ROUNDED)
    throw mismatch(`of ${tally.detections} detections the file has ${tally.agreeing}`);
  return { relativeDifference, detections: tally.detections, agreement };
}

/** Detections of an image: corners, four numbers each. */
interface Found {
  boxes: Float32Array;
  labels: BigInt64Array;
  scores: Float32Array;
  masks?: Masks;
}

/** How likely each cell of a box belongs to its object. */
interface Masks {
  /** `[K, side, side]` */
  cells: Float32Array;
  side: number;
  /** How much of each on the image is not what its cells give there, as a part of it, `[K]`. */
  misplaced?: Float32Array;
}

/** Cells of a mask differ by less on average: its box is not quite the same one … */
const CELL_TOLERANCE = 1e-2;
/** … and its pixels, which are computed of the same cells and box. */
const PIXEL_TOLERANCE = 1e-3;

/** What the engine says. @param pixels normalised, `[images, 3, H, W]` */
function compute(model: AnyDetector, pixels: Float32Array, shape: number[]): { heads: Float32Array[]; found: Found[] } {
  const numbers = (x: Tensor): Float32Array => x.float().cpu().data() as Float32Array;
  return evaluating(model, () =>
    tidy(() => {
      const input = fromTypedArray(pixels, shape).to({ device: deviceOf(model) });
      if (model instanceof YoloV5) return { heads: [numbers(model.decode(model.forward(input)))], found: [] };
      const [images, channels, height, width] = shape;
      const padded = [height, width].map((side) => Math.ceil(side / STRIDE) * STRIDE);
      const batch = zeros([images, channels, ...padded], { device: input.device });
      batch.narrow(2, 0, height).narrow(3, 0, width).copy_(input);
      const sizes = Array.from({ length: images }, () => ({ height, width }));
      const found = model.detectInBatch({ tensor: batch, sizes }).map(({ boxes, labels, scores, masks }) => ({
        boxes: numbers(boxes),
        labels: labels.cpu().data() as BigInt64Array,
        scores: numbers(scores),
        ...(masks && { masks: { cells: numbers(masks), side: masks.size(-1) } }),
      }));
      return {
        heads: headsOf(model, model.backbone.forward(batch))
          .flatMap((level) => level.slice(1))
          .map(numbers),
        found,
      };
    }),
  );
}

/** Greatest difference in standard deviations; of values that are nearly all the same, in hundredths of their magnitude. */
function relative(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [greatest, sum, squares] = [0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= greatest)) greatest = difference;
    sum += expected[i];
    squares += expected[i] ** 2;
  }
  const mean = sum / expected.length;
  const meanSquare = squares / expected.length;
  return greatest / Math.max(Math.sqrt(Math.max(0, meanSquare - mean ** 2)), 0.01 * Math.sqrt(meanSquare), 1e-12);
}

/** Sides in pixels of the smallest boxes that are compared. */
const LEAST_SIDE = 1;

/**
 * How many detections are expected, and how many of them are among those found. Boxes without an area are left out: random pictures can
 * drive a network to any number of them, all equally sure, and as they overlap nothing, chance says which of them are answered.
 */
function compare(expected: Found, found: Found): { detections: number; agreeing: number } {
  const taken = new Uint8Array(found.scores.length);
  const tally = { detections: 0, agreeing: 0 };
  for (let i = 0; i < expected.scores.length; i++) {
    const own = expected.boxes.subarray(4 * i, 4 * i + 4);
    if (Math.min(own[2] - own[0], own[3] - own[1]) < LEAST_SIDE) continue;
    tally.detections++;
    const reach = 0.01 * Math.max(own[2] - own[0], own[3] - own[1]) + 0.01;
    for (let k = 0; k < taken.length; k++) {
      if (taken[k] || found.labels[k] !== expected.labels[i]) continue;
      if (Math.abs(found.scores[k] - expected.scores[i]) > 1e-3) continue;
      if (!own.every((value, c) => Math.abs(value - found.boxes[4 * k + c]) <= reach)) continue;
      if (!masksAgree(expected.masks, i, found.masks, k)) continue;
      taken[k] = 1;
      tally.agreeing++;
      break;
    }
  }
  return tally;
}

function masksAgree(expected: Masks | undefined, i: number, found: Masks | undefined, k: number): boolean {
  if (!expected || !found) return expected === found;
  const cells = expected.side ** 2;
  const [ours, theirs] = [expected.cells.subarray(i * cells, (i + 1) * cells), found.cells.subarray(k * cells)];
  const difference = ours.reduce((sum, value, n) => sum + Math.abs(value - theirs[n]), 0) / cells;
  return difference <= CELL_TOLERANCE && (found.misplaced?.[k] ?? 0) <= PIXEL_TOLERANCE;
}

/** What a file says of masks, before and after it put them on the image. */
function masksIn(answers: InferenceSession.OnnxValueMapType, image: number, size: Size): Masks {
  const [boxes, cells, pasted] = ['boxes', 'mask_probabilities', 'masks'].map((name) => answers[`${name}_${image}`]);
  const side = cells.dims[3];
  const misplaced = tidy(() => {
    const asTensor = ({ data, dims }: (typeof answers)[string]): Tensor =>
      fromTypedArray(data as Float32Array, [...dims]);
    const right = masksOnImage(asTensor(cells).squeeze(1), asTensor(boxes), size).flatten(1);
    const difference = asTensor(pasted).flatten(1).sub(right).abs().sum(1);
    return difference.div(right.sum(1).clamp(1)).data() as Float32Array;
  });
  return { cells: cells.data as Float32Array, side, misplaced };
}

async function open(onnx: Uint8Array, threads: number): Promise<{ session: InferenceSession } & AsyncDisposable> {
  const session = await openSession(onnx, threads);
  return { session, [Symbol.asyncDispose]: () => session.release() };
}
