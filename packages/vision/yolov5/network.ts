/**
 * YOLOv5: a one-stage detector with anchors on three levels of a feature pyramid, in four sizes.
 * https://github.com/ultralytics/yolov5 describes it by tables; there is no paper. This is an implementation of our own, whose
 * names are those of the published checkpoints (`model.0.conv.weight`), so that they load as they are.
 */
import { nn, type Tensor } from '@fovea/torch';
import { Detect, YOLOV5_ANCHORS, YOLOV5_STRIDES, type YoloV5Anchors } from './detect.ts';
import {
  C3,
  Concatenation,
  Convolution,
  FastSpatialPyramidPooling,
  Focus,
  SpatialPyramidPooling,
  Upsample,
} from './layers.ts';

export const YOLOV5_SIZES = ['small', 'medium', 'large', 'extra_large'] as const;
export const YOLOV5_VERSIONS = ['5.0', '6.2'] as const;

/** As job files call it; s, m, l and x in the names of checkpoints. */
export type YoloV5Size = (typeof YOLOV5_SIZES)[number];

/** The networks of 6.0, 6.1 and 7.0 are that of 6.2. */
export type YoloV5Version = (typeof YOLOV5_VERSIONS)[number];

const MULTIPLES: Readonly<Record<YoloV5Size, { depth: number; width: number }>> = {
  small: { depth: 0.33, width: 0.5 },
  medium: { depth: 0.67, width: 0.75 },
  large: { depth: 1, width: 1 },
  extra_large: { depth: 1.33, width: 1.25 },
};

export interface YoloV5Options {
  size: YoloV5Size;
  /** Which network of that name. */
  version: YoloV5Version;
  classes: number;
  /** In pixels; those of COCO when not given. */
  anchors?: YoloV5Anchors;
}

/** One row of the table: which earlier layers it takes, -1 being the one before. */
interface Layer {
  from: readonly number[];
  module: nn.Module<Tensor[]>;
}

/** Number of channels at full width; they grow and shrink in eights. */
const scaledChannels = (channels: number, width: number): number => Math.ceil((channels * width) / 8) * 8;

/** Channels after the first convolution, which tell the sizes apart. */
export const yolov5Channels = (size: YoloV5Size): number => scaledChannels(64, MULTIPLES[size].width);

const scaledRepeat = (repeat: number, depth: number): number => Math.max(Math.round(repeat * depth), 1);

/**
 * `[N, 3, H, W]` in [0, 1], H and W multiples of 32 → raw outputs of three levels, `[N, 3, H / stride, W / stride, 5 + classes]`, which
 * the loss takes; `decode` makes boxes of them.
 */
export class YoloV5 extends nn.Module<[Tensor], Tensor[]> {
  model;
  readonly #from: readonly (readonly number[])[];
  readonly #detect: Detect;

  constructor({ size, version, classes, anchors = YOLOV5_ANCHORS }: YoloV5Options) {
    super();
    const { depth, width } = MULTIPLES[size];
    const c = (channels: number): number => scaledChannels(channels, width);
    const c3 = (from: number, to: number, repeat: number, isResidual: boolean): C3 =>
      new C3(c(from), c(to), scaledRepeat(repeat, depth), isResidual);
    const down = (from: number, to: number): Convolution => new Convolution(c(from), c(to), 3, 2);

    const isFirst = version === '5.0';
    const stem = isFirst ? new Focus(3, c(64), 3) : new Convolution(3, c(64), 6, 2, 2);
    const top = isFirst
      ? [new SpatialPyramidPooling(c(1024), c(1024), [5, 9, 13]), c3(1024, 1024, 3, false)]
      : [c3(1024, 1024, 3, true), new FastSpatialPyramidPooling(c(1024), c(1024), 5)];
    const next = (module: nn.Module): Layer => ({ from: [-1], module });
    const join = (layer: number): Layer => ({ from: [-1, layer], module: new Concatenation() });
    const layers: Layer[] = [
      next(stem),
      next(down(64, 128)),
      next(c3(128, 128, 3, true)),
      next(down(128, 256)),
      next(c3(256, 256, isFirst ? 9 : 6, true)),
      next(down(256, 512)),
      next(c3(512, 512, 9, true)),
      next(down(512, 1024)),
      ...top.map(next),
      // From the coarsest level up to the finest, and down again.
      next(new Convolution(c(1024), c(512))),
      next(new Upsample()),
      join(6),
      next(c3(1024, 512, 3, false)),
      next(new Convolution(c(512), c(256))),
      next(new Upsample()),
      join(4),
      next(c3(512, 256, 3, false)),
      next(down(256, 256)),
      join(14),
      next(c3(512, 512, 3, false)),
      next(down(512, 512)),
      join(10),
      next(c3(1024, 1024, 3, false)),
    ];
    this.#from = [...layers.map(({ from }) => from), [17, 20, 23]];
    this.#detect = new Detect({
      classes,
      channels: [c(256), c(512), c(1024)],
      anchors,
      hasAnchorGrid: isFirst,
      frequencyMargin: isFirst ? 0.99 : 0.999999,
    });
    this.model = new nn.ModuleList<nn.Module<Tensor[], Tensor | Tensor[]>>([
      ...layers.map(({ module }) => module),
      this.#detect,
    ]);
  }

  /** @throws RangeError when height or width is no multiple of 32 */
  forward(x: Tensor): Tensor[] {
    const [height, width] = x.shape.slice(-2);
    const coarsest = YOLOV5_STRIDES[YOLOV5_STRIDES.length - 1];
    if (height % coarsest !== 0 || width % coarsest !== 0) {
      throw new RangeError(`YOLOv5 takes images whose sides are multiples of ${coarsest}, not ${height} × ${width}`);
    }
    const outputs: Tensor[] = [];
    let last: Tensor | Tensor[] = x;
    for (const [index, module] of [...this.model].entries()) {
      const inputs = this.#from[index].map((from) => (from === -1 ? (outputs.at(-1) ?? x) : outputs[from]));
      last = module.forward(...inputs);
      if (!Array.isArray(last)) outputs.push(last);
    }
    return last as Tensor[];
  }

  /** YoloV5Anchors in units of cells, `[3, 3, 2]`: level, anchor, width and height. */
  get anchors(): Tensor {
    return this.#detect.anchors;
  }

  /**
   * Boxes of raw outputs in pixels: `[N, all anchors, 5 + classes]`, centre x, y, width, height, objectness, class probabilities.
   */
  decode(raw: readonly Tensor[]): Tensor {
    return this.#detect.decode(raw);
  }
}

/**
 * A new YOLOv5 in training mode, its weights drawn from the default generator.
 *
 * ```ts
 * const model = yolov5({ size: 'medium', version: '6.2', classes: 80 }).eval();
 * const boxes = yolov5Detections(model.decode(model.forward(images)));
 * ```
 * @throws RangeError for no classes, an unknown size or version, or anchors that are not three levels of equal number
 */
export function yolov5(options: YoloV5Options): YoloV5 {
  const { size, version, classes, anchors = YOLOV5_ANCHORS } = options;
  if (!YOLOV5_SIZES.includes(size))
    throw new RangeError(`no YOLOv5 of size "${size}"; there are ${YOLOV5_SIZES.join(', ')}`);
  if (!YOLOV5_VERSIONS.includes(version)) {
    throw new RangeError(`no YOLOv5 of version "${version}"; there are ${YOLOV5_VERSIONS.join(', ')}`);
  }
  if (!Number.isInteger(classes) || classes < 1) {
    throw new RangeError(`YOLOv5 for ${classes} classes: at least 1 is needed`);
  }
  const isEven = anchors.every((level) => level.length > 0 && level.length === anchors[0].length);
  if (anchors.length !== YOLOV5_STRIDES.length || !isEven) {
    throw new RangeError(
      `YOLOv5 has ${YOLOV5_STRIDES.length} levels with the same number of anchors each, not ${anchors.map((level) => level.length).join(', ')}`,
    );
  }
  return new YoloV5(options);
}
