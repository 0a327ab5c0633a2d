import { DETECTION_SETTINGS, MASK_SETTINGS } from '../onnx/detection/settings.ts';
import { inspectOnnx, withSettings } from '../onnx/inspect.ts';
import { type DetectionSettings, findsMasks, isYolo } from './layout.ts';
import { ModelFolderError } from './model-folder-error.ts';

/** Numbers that YOLOv5 gives for a cell besides those of the classes. */
const BOX_CHANNELS = 5;

/**
 * Checks that a graph is one that `exportDetector` writes, for these labels, and puts the settings in force into it. One of masks then
 * gives `mask_probabilities_0` alone: `masks_0` are empty, because run lengths and polygons are made of the former sooner.
 *
 * @throws ModelFolderError or OnnxError
 */
export function checkDetectorGraph(
  bytes: Uint8Array,
  labels: readonly string[],
  settings: DetectionSettings,
  file: string,
): { onnx: Uint8Array; inputName: string } {
  const { inputs, outputs } = inspectOnnx(bytes, file);
  const fail = (message: string): never => {
    throw new ModelFolderError({ code: 'inconsistent', file, message });
  };
  const [input] = inputs;
  const shape = input?.shape ?? [];
  if (inputs.length !== 1 || shape.length !== 4 || shape[1] !== 3 || shape.slice(2).some(Number.isFinite))
    fail(`a detector has one input, [N, 3, height, width] with open sides, and this graph has [${shape.join(', ')}]`);
  if (isYolo(settings)) {
    const channels = outputs[0]?.shape.at(-1);
    if (outputs.length !== 1 || channels !== BOX_CHANNELS + labels.length)
      fail(`there are ${labels.length} labels, and the graph's output is [${outputs[0]?.shape.join(', ')}]`);
    return { onnx: bytes, inputName: input.name };
  }
  const hasMasks = findsMasks(settings);
  const needed = ['boxes_0', 'labels_0', 'scores_0', ...(hasMasks ? ['masks_0', 'mask_probabilities_0'] : [])];
  const missing = needed.filter((name) => !outputs.some((port) => port.name === name));
  if (missing.length > 0) fail(`the graph has no output ${missing.join(' and no ')}`);
  const { score, iou, count } = DETECTION_SETTINGS;
  const inForce = {
    ...{ [score]: settings[score], [iou]: settings[iou], [count]: settings[count] },
    ...(hasMasks && { [MASK_SETTINGS.paste]: 0 }),
  };
  return { onnx: withSettings(bytes, inForce), inputName: input.name };
}
