import type { MaskDetectorFolder } from '@fovea/automl/model-folder';
import type { Pixels } from '@fovea/data/decode';
import type { RunLengths } from '@fovea/data/masks';
import { pasteMasks } from '@fovea/vision/transforms';
import { type FoundObject, objectsOf } from './detector.ts';
import { lookInRegions } from './network-regions.ts';
import { type ImageSource, readWhole } from './prepare.ts';
import { openGraph } from './session.ts';

/** What is in an image, and which of its pixels are each object's. */
export interface FoundMasks {
  /** Best first. */
  boxes: FoundObject[];
  /** Of each, on the image in its own size. */
  masks: RunLengths[];
}

/** A detector of masks that is ready to look at images. */
export interface MaskNetwork {
  find(image: ImageSource | Pixels, name: string): Promise<FoundMasks>;
  close(): Promise<void>;
}

/** @param threads 0: as many as the machine has cores */
export async function openMaskDetector(model: MaskDetectorFolder, threads: number): Promise<MaskNetwork> {
  const graph = await openGraph(model.onnx, threads);
  const { settings } = model;
  return {
    async find(source, name) {
      const image = await readWhole(source, name);
      const whole = { left: 0, top: 0, width: image.width, height: image.height };
      const { found, outputs } = await lookInRegions(graph, model, settings, image, whole);
      const cells = outputs.mask_probabilities_0 as Float32Array;
      const count = found.scores.length;
      const side = count === 0 ? 0 : Math.sqrt(cells.length / count);
      const masks = pasteMasks({ masks: cells, boxes: found.boxes, side }, image, settings.mask_pixel_score_threshold);
      return { boxes: objectsOf(found, image, model), masks };
    },
    close: () => graph.close(),
  };
}
