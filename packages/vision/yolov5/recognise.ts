import type { Tensor } from '@fovea/torch';
import { BOX_CHANNELS, YOLOV5_STRIDES, type YoloV5Anchors } from './detect.ts';
import { YOLOV5_SIZES, YOLOV5_VERSIONS, type YoloV5Options, yolov5Channels } from './network.ts';

/** The first convolution's weights, by version. */
const STEM = { '5.0': 'model.0.conv.conv.weight', '6.2': 'model.0.conv.weight' } as const;

/**
 * Which network the weights of a checkpoint are of, so that `yolov5` can make it.
 *
 * @param state by name, as `loadStateDict` reads them
 * @returns null when they are of no YOLOv5 that there is
 */
export function recogniseYoloV5(state: ReadonlyMap<string, Tensor>): YoloV5Options | null {
  const version = YOLOV5_VERSIONS.find((each) => state.has(STEM[each]));
  const anchors = state.get('model.24.anchors');
  const head = state.get('model.24.m.0.bias');
  if (!version || !anchors || !head) return null;
  const channels = state.get(STEM[version])?.shape[0];
  const size = YOLOV5_SIZES.find((each) => yolov5Channels(each) === channels);
  const inCells = anchors.toArray() as [number, number][][];
  if (!size || inCells.length !== YOLOV5_STRIDES.length) return null;
  const inPixels: YoloV5Anchors = inCells.map((level, i) =>
    level.map(([width, height]): [number, number] => [width * YOLOV5_STRIDES[i], height * YOLOV5_STRIDES[i]]),
  );
  return { size, version, classes: head.shape[0] / inCells[0].length - BOX_CHANNELS, anchors: inPixels };
}
