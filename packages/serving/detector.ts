import { type DetectorFolder, isYolo, tilesIn, type YoloSettings } from '@fovea/automl/model-folder';
import type { Pixels } from '@fovea/data/decode';
import {
  letterbox,
  letterboxGeometry,
  MOST_YOLO_DETECTIONS,
  mergeDetections,
  type PlainDetections,
  type Rectangle,
  type Size,
  tilesOf,
  undoLetterbox,
  yoloDetections,
} from '@fovea/vision/transforms';
import { lookInRegions, networkInput } from './network-regions.ts';
import { type ImageSource, readWhole, resizedPart } from './prepare.ts';
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
  detect(image: ImageSource | Pixels, name: string): Promise<ObjectPrediction>;
  close(): Promise<void>;
}

/** @param threads 0: as many as the machine has cores */
export async function openDetector(model: DetectorFolder, threads: number): Promise<DetectorNetwork> {
  const graph = await openGraph(model.onnx, threads);
  const { settings } = model;
  const look = isYolo(settings)
    ? (image: Pixels, part: Rectangle) => inCells(graph, model, settings, image, part)
    : async (image: Pixels, part: Rectangle) => (await lookInRegions(graph, model, settings, image, part)).found;
  return {
    async detect(source, name) {
      const image = await readWhole(source, name);
      const found = await inParts(image, settings, (part) => look(image, part));
      return { boxes: objectsOf(found, image, model) };
    },
    close: () => graph.close(),
  };
}

/** What is in an image of which the whole and, where the settings ask for it, tiles are looked at, in pixels of the image. */
async function inParts(
  { width, height }: Size,
  settings: DetectorFolder['settings'],
  look: (part: Rectangle) => Promise<PlainDetections>,
): Promise<PlainDetections> {
  const tiling = tilesIn(settings);
  const whole = { left: 0, top: 0, width, height };
  const tiles = tiling ? tilesOf(whole, tiling.grid) : [];
  const found = [{ found: await look(whole), part: whole }];
  if (!tiling || tiles.length === 0) return found[0].found;
  // One after the other: together they need more memory and are no faster on a CPU.
  for (const part of tiles) found.push({ found: await look(part), part });
  const most = isYolo(settings) ? MOST_YOLO_DETECTIONS : settings.box_detections_per_img;
  return mergeDetections(found, { iouThreshold: tiling.iouThreshold, most });
}

/** YOLOv5: the graph answers what every cell of a square says. In pixels of the part. */
async function inCells(
  graph: OpenGraph,
  model: DetectorFolder,
  { img_size: side, box_score_thresh: scoreThreshold, nms_iou_thresh: iouThreshold }: YoloSettings,
  image: Pixels,
  part: Rectangle,
): Promise<PlainDetections> {
  const placement = letterboxGeometry(part, side, { auto: false });
  const { resized } = placement;
  const square = letterbox(resizedPart(image, part, resized), resized, placement);
  const outputs = await graph.run(model.inputName, networkInput(square, placement.canvas, model), [1, 3, side, side]);
  const [cells] = Object.values(outputs);
  const found = yoloDetections(cells as Float32Array, model.labels.length, {
    scoreThreshold,
    iouThreshold,
    maxDetections: MOST_YOLO_DETECTIONS,
  });
  undoLetterbox(found, part, placement);
  return found;
}

/** What was found, as an answer says it: in shares of the image's sides, best first. */
export function objectsOf(
  { boxes, scores, labels }: PlainDetections,
  { width, height }: Size,
  model: Pick<DetectorFolder, 'labels' | 'folder'>,
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
