import {
  type DetectorFolder,
  isYolo,
  type RegionDetectorSettings,
  type YoloSettings,
} from '@fovea/automl/model-folder';
import {
  detectionSize,
  letterbox,
  letterboxGeometry,
  normalisePixels,
  type PlainDetections,
  type Size,
  undoLetterbox,
  yoloDetections,
} from '@fovea/vision/transforms';
import { type ImageSource, readResized } from './prepare.ts';
import { type OpenGraph, openGraph } from './session.ts';

/** Where something is: shares of the image's width and height, 0 at the left top corner. */
export interface NormalisedBox {
  topX: number;
  topY: number;
  bottomX: number;
  bottomY: number;
}

/** Something that was found. */
export interface FoundObject {
  box: NormalisedBox;
  label: string;
  /** In [0, 1]. */
  score: number;
}

/** What a detector says of one image, best first. */
export interface ObjectPrediction {
  boxes: FoundObject[];
}

/** A detector that is ready to look at images. */
export interface DetectorNetwork {
  detect(image: ImageSource, name: string): Promise<ObjectPrediction>;
  close(): Promise<void>;
}

/** @param threads 0: as many as the machine has cores */
export async function openDetector(model: DetectorFolder, threads: number): Promise<DetectorNetwork> {
  const graph = await openGraph(model.onnx, threads);
  const { settings } = model;
  const look = isYolo(settings)
    ? (image: ImageSource, name: string) => inCells(graph, model, settings, image, name)
    : (image: ImageSource, name: string) => inRegions(graph, model, settings, image, name);
  return {
    async detect(image, name) {
      const { found, frame } = await look(image, name);
      return { boxes: objectsOf(found, frame, model) };
    },
    close: () => graph.close(),
  };
}

/** Boxes in pixels of a frame that is the whole image. */
interface Answer {
  found: PlainDetections;
  frame: Size;
}

/** Faster R-CNN and RetinaNet: the graph answers boxes in pixels of the resized image. */
async function inRegions(
  graph: OpenGraph,
  model: DetectorFolder,
  { min_size: minSize, max_size: maxSize }: RegionDetectorSettings,
  image: ImageSource,
  name: string,
): Promise<Answer> {
  const { pixels, resized } = await readResized(image, name, (size) => detectionSize(size, minSize, maxSize));
  const outputs = await graph.run(model.inputName, networkInput(pixels, resized, model), [
    1,
    3,
    resized.height,
    resized.width,
  ]);
  const labels = Int32Array.from(outputs.labels_0 as BigInt64Array, (label) => Number(label) - model.firstLabel);
  const found = { boxes: outputs.boxes_0 as Float32Array, scores: outputs.scores_0 as Float32Array, labels };
  return { found, frame: resized };
}

/** YOLOv5: the graph answers what every cell of a square says. */
async function inCells(
  graph: OpenGraph,
  model: DetectorFolder,
  { img_size: side, box_score_thresh: scoreThreshold, nms_iou_thresh: iouThreshold }: YoloSettings,
  image: ImageSource,
  name: string,
): Promise<Answer> {
  const { pixels, original, resized } = await readResized(
    image,
    name,
    (size) => letterboxGeometry(size, side, { auto: false }).resized,
  );
  const placement = letterboxGeometry(original, side, { auto: false });
  const square = letterbox(pixels, resized, placement);
  const input = networkInput(square, placement.canvas, model);
  const outputs = await graph.run(model.inputName, input, [1, 3, side, side]);
  const [cells] = Object.values(outputs);
  const found = yoloDetections(cells as Float32Array, model.labels.length, { scoreThreshold, iouThreshold });
  undoLetterbox(found, original, placement);
  return { found, frame: original };
}

/** [1, 3, height, width] */
function networkInput(pixels: Uint8Array, { width, height }: Size, { input }: DetectorFolder): Float32Array {
  const identity = { mean: [0, 0, 0], std: [1, 1, 1] };
  return normalisePixels(pixels, width * height, input.normalised_in_graph ? identity : input);
}

function objectsOf(
  { boxes, scores, labels }: PlainDetections,
  { width, height }: Size,
  model: DetectorFolder,
): FoundObject[] {
  return Array.from(scores, (score, i) => {
    const label = model.labels[labels[i]];
    if (label === undefined)
      throw new RangeError(`the model gives class ${labels[i]}, and ${model.folder} has ${model.labels.length} labels`);
    const [topX, topY, bottomX, bottomY] = boxes.subarray(4 * i, 4 * i + 4);
    const box = { topX: topX / width, topY: topY / height, bottomX: bottomX / width, bottomY: bottomY / height };
    return { box, label, score };
  });
}
