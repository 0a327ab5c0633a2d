/** The output of YOLOv5: what it says of every anchor in every cell, and what that means in pixels. */
import { arange, Buffer, cat, nn, noGrad, ops, stack, type Tensor, tensor } from '@fovea/torch';

/** Width and height in pixels, for each level from fine to coarse. Learned from COCO's boxes by k-means. */
export type YoloV5Anchors = readonly (readonly (readonly [width: number, height: number])[])[];

export const YOLOV5_ANCHORS: YoloV5Anchors = [
  [
    [10, 13],
    [16, 30],
    [33, 23],
  ],
  [
    [30, 61],
    [62, 45],
    [59, 119],
  ],
  [
    [116, 90],
    [156, 198],
    [373, 326],
  ],
];

/** Pixels from one cell to the next, for each level. */
export const YOLOV5_STRIDES: readonly number[] = [8, 16, 32];

/** Centre, size and objectness stand before the classes. */
export const BOX_CHANNELS = 5;

interface DetectOptions {
  classes: number;
  /** Of the feature maps, for each level. */
  channels: readonly number[];
  anchors: YoloV5Anchors;
  /** Checkpoints of version 5.0 hold the anchors a second time, in pixels. */
  hasAnchorGrid: boolean;
  /** How much less than the number of classes the first guess of a class's frequency is divided by. */
  frequencyMargin: number;
}

/**
 * A 1 × 1 convolution for each level; `[N, C, H, W]` of each → `[N, anchors, H, W, 5 + classes]`, before the sigmoid.
 * `anchors` are in units of cells.
 */
export class Detect extends nn.Module<Tensor[], Tensor[]> {
  anchors;
  anchor_grid;
  m;
  readonly #perCell: number;

  constructor({ classes, channels, anchors, hasAnchorGrid, frequencyMargin }: DetectOptions) {
    super();
    const [levels, perCell] = [anchors.length, anchors[0].length];
    this.#perCell = perCell;
    const inCells = anchors.map((level, i) => level.map((size) => size.map((side) => side / YOLOV5_STRIDES[i])));
    this.anchors = new Buffer(tensor(inCells));
    this.anchor_grid = hasAnchorGrid ? new Buffer(tensor(anchors).reshape([levels, 1, perCell, 1, 1, 2])) : null;
    this.m = new nn.ModuleList(channels.map((count) => new nn.Conv2d(count, perCell * (BOX_CHANNELS + classes), 1)));
    [...this.m].forEach(({ bias }, level) => {
      if (bias)
        noGrad(() => guessFrequencies_(bias.view([perCell, -1]), YOLOV5_STRIDES[level], classes - frequencyMargin));
    });
  }

  forward(...maps: Tensor[]): Tensor[] {
    return [...this.m].map((convolution, level) => {
      const x = convolution.forward(maps[level]);
      const [images, channels, height, width] = x.shape;
      return x
        .view([images, this.#perCell, channels / this.#perCell, height, width])
        .permute([0, 1, 3, 4, 2])
        .contiguous();
    });
  }

  /**
   * Boxes in pixels of the network's input.
   *
   * @param raw what `forward` returned
   * @returns `[N, all anchors of all cells of all levels, 5 + classes]`: centre x, y, width, height; objectness and classes in [0, 1]
   */
  decode(raw: readonly Tensor[]): Tensor {
    return cat(
      raw.map((level, i) => {
        const [images, perCell, height, width, outputs] = level.shape;
        const { xy, wh, probabilities } = split(level.float().sigmoid());
        const sizes = this.anchors.select(0, i).mul(YOLOV5_STRIDES[i]).view([1, perCell, 1, 1, 2]);
        const corners = cellCorners(height, width, level.device).sub(0.5);
        const centres = xy.mul(2).add(corners).mul(YOLOV5_STRIDES[i]);
        const decoded = cat([centres, wh.mul(2).square().mul(sizes), probabilities], -1);
        return decoded.view([images, perCell * height * width, outputs]);
      }),
      1,
    );
  }
}

/** Channels of outputs `[…, 5 + classes]`: offset and size of the box; objectness and classes. */
const split = (outputs: Tensor): { xy: Tensor; wh: Tensor; probabilities: Tensor } => ({
  xy: outputs.slice(-1, 0, 2),
  wh: outputs.slice(-1, 2, 4),
  probabilities: outputs.slice(-1, 4),
});

/** Column and row of every cell, `[1, 1, height, width, 2]`. */
function cellCorners(height: number, width: number, device: string): Tensor {
  const columns = arange(0, width, 1, { dtype: 'float32', device }).view([1, width]).expand([height, width]);
  const rows = arange(0, height, 1, { dtype: 'float32', device }).view([height, 1]).expand([height, width]);
  return stack([columns, rows], -1).view([1, 1, height, width, 2]);
}

/** Logits of what is rare begin low: 8 objects in an image of 640 × 640, classes equally often. Lin et al. 2017, section 3.3. */
function guessFrequencies_(bias: Tensor, stride: number, classes: number): void {
  bias.select(1, 4).add_(Math.log(8 / (640 / stride) ** 2));
  ops.addScalar_(bias.slice(1, BOX_CHANNELS), Math.log(0.6 / classes));
}
