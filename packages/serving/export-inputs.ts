import { isDetectionTask, isYolo, type ModelFolder } from '@fovea/automl/model-folder';
import type { CalibrationInput, CalibrationInputs } from '@fovea/automl/quantise';
import { IssuesError } from '@fovea/data/issue';
import { detectionSize, letterbox, letterboxGeometry } from '@fovea/vision/transforms';
import { networkInput as regionInput } from './network-regions.ts';
import { networkInput, preparationOf, readImage, readWhole, resizedPart } from './prepare.ts';

/** Images by which the ranges of activations are found: more change them little, and those of detectors are large. */
const MOST_IMAGES = { classifier: 128, detector: 48 };

/**
 * Images as the network of a model folder gets them when it is served: some of those given, in equal distances, so that data sorted by
 * class gives some of each. Images that cannot be read are passed over.
 */
export function calibrationInputs(model: ModelFolder, files: readonly string[]): CalibrationInputs {
  const most = isDetectionTask(model.task) ? MOST_IMAGES.detector : MOST_IMAGES.classifier;
  const count = Math.min(most, files.length);
  const chosen = Array.from({ length: count }, (_, i) => files[Math.floor((i * files.length) / count)]);
  const prepare = preparing(model);
  return {
    count,
    async *read() {
      for (const file of chosen) {
        const input = await prepare(file).catch((error: unknown) => {
          if (error instanceof IssuesError) return null;
          throw error;
        });
        if (input !== null) yield input;
      }
    },
  };
}

/** How an image of a file becomes what the graph is given. */
function preparing(model: ModelFolder): (file: string) => Promise<CalibrationInput> {
  if (!isDetector(model)) {
    const preparation = preparationOf(model);
    const side = preparation.cropSize;
    return async (file) => ({
      data: networkInput([await readImage(file, file, preparation)], preparation),
      shape: [1, 3, side, side],
    });
  }
  const { settings } = model;
  return async (file) => {
    const image = await readWhole(file, file);
    const whole = { left: 0, top: 0, width: image.width, height: image.height };
    const { pixels, size } = isYolo(settings)
      ? inSquare(image, whole, settings.img_size)
      : resized(image, whole, settings);
    return { data: regionInput(pixels, size, model), shape: [1, 3, size.height, size.width] };
  };
}

type Detector = Exclude<ModelFolder, { settings: { valid_crop_size: number } }>;
type Image = Awaited<ReturnType<typeof readWhole>>;
type Part = Parameters<typeof resizedPart>[1];

const isDetector = (model: ModelFolder): model is Detector => isDetectionTask(model.task);

function inSquare(image: Image, whole: Part, side: number) {
  const placement = letterboxGeometry(whole, side, { auto: false });
  const { resized, canvas } = placement;
  return { pixels: letterbox(resizedPart(image, whole, resized), resized, placement), size: canvas };
}

function resized(image: Image, whole: Part, settings: { min_size: number; max_size: number }) {
  const size = detectionSize(whole, settings.min_size, settings.max_size);
  return { pixels: resizedPart(image, whole, size), size };
}
