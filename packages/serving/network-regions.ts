import type { DetectorFolder, MaskDetectorFolder, RegionDetectorSettings } from '@fovea/automl/model-folder';
import type { Pixels } from '@fovea/data/decode';
import {
  detectionSize,
  normalisePixels,
  type PlainDetections,
  type Rectangle,
  type Size,
  undoLetterbox,
} from '@fovea/vision/transforms';
import { resizedPart } from './prepare.ts';
import type { OpenGraph } from './session.ts';

/** What the graph of an R-CNN or RetinaNet says of a part of an image. */
export interface RegionAnswers {
  /** In pixels of the part. */
  found: PlainDetections;
  /** All outputs of the graph by their names. */
  outputs: Readonly<Record<string, unknown>>;
}

/** Lets the graph look at a part of an image, which is resized for it; its boxes are brought back to the part and clipped to it. */
export async function lookInRegions(
  graph: OpenGraph,
  model: DetectorFolder | MaskDetectorFolder,
  { min_size: minSize, max_size: maxSize }: Pick<RegionDetectorSettings, 'min_size' | 'max_size'>,
  image: Pixels,
  part: Rectangle,
): Promise<RegionAnswers> {
  const resized = detectionSize(part, minSize, maxSize);
  const outputs = await graph.run(model.inputName, networkInput(resizedPart(image, part, resized), resized, model), [
    1,
    3,
    resized.height,
    resized.width,
  ]);
  const labels = Int32Array.from(outputs.labels_0 as BigInt64Array, (label) => Number(label) - model.firstLabel);
  const found = { boxes: outputs.boxes_0 as Float32Array, scores: outputs.scores_0 as Float32Array, labels };
  const [ratioX, ratioY] = [resized.width / part.width, resized.height / part.height];
  undoLetterbox(found, part, { ratioX, ratioY, padding: { x: 0, y: 0 } });
  return { found, outputs };
}

/** [1, 3, height, width] */
export function networkInput(
  pixels: Uint8Array,
  { width, height }: Size,
  { input }: Pick<DetectorFolder, 'input'>,
): Float32Array {
  const identity = { mean: [0, 0, 0], std: [1, 1, 1] };
  return normalisePixels(pixels, width * height, input.normalised_in_graph ? identity : input);
}
