// Writes the smallest detectors there are, which the tests of serving load. One says how red each quarter of a picture is, as a box with
// that score; one says of the left and the right half of its square what the whole is like; one is the first with rings for masks.
//   .runtime/node packages/automl/model-folder/example-detectors.ts packages/serving/fixtures
import { join } from 'node:path';
import { tensor } from '@fovea/torch';
import { gather, joined, suppress, whereTrue } from '../onnx/detection/boxes.ts';
import { sizeOf, toFloat } from '../onnx/detection/grid.ts';
import { DETECTION_SETTINGS, MASK_SETTINGS } from '../onnx/detection/settings.ts';
import { encodeModel, type ModelParts } from '../onnx/encode.ts';
import { Graph, int, type Value } from '../onnx/graph.ts';
import { type DetectionSettings, findsMasks } from './layout.ts';
import { MASK_DEFAULTS } from './mask-settings.ts';
import { writeModelFolder } from './write.ts';

const OPSET = 17;
const producer = { name: 'fovea', version: '0.1.0' };

/** Cells of a mask on a side. */
const MASK_SIDE = 28;

/** How likely the cells of a box are the object's: a ring, which its score makes less likely. */
const RING = Array.from({ length: MASK_SIDE ** 2 }, (_, cell) => {
  const fromMiddle = (place: number): number => place + 0.5 - MASK_SIDE / 2;
  const distance = Math.hypot(fromMiddle(cell % MASK_SIDE), fromMiddle(Math.floor(cell / MASK_SIDE)));
  return distance < 12 && distance > 5 ? 0.95 : 0.05;
});

/**
 * Labels 1 to 4, from the left top quarter to the right bottom one; sides have to be even.
 *
 * @param options.masks rings in the quarters, too
 */
function quarters({ masks = false } = {}): Uint8Array {
  const graph = new Graph('Input', OPSET);
  const halve = (x: Value, axis: number): Value[] => graph.nodes('Split', [x], { axis: int(axis) }, 2);
  const red = graph.node('Slice', [graph.input, graph.ints([0]), graph.ints([1]), graph.ints([1])]);
  const parts = halve(red, 2).flatMap((half) => halve(half, 3));
  const means = parts.map((part) => graph.node('ReduceMean', [part], { keepdims: int(0) }));
  const scores = graph.node(
    'Concat',
    means.map((mean) => graph.node('Unsqueeze', [mean, graph.ints([0])])),
    { axis: int(0) },
  );
  const column = (shares: number[], dim: number): Value =>
    graph.node('Mul', [graph.floats(shares, [4, 1]), toFloat(graph, sizeOf(graph, graph.input, dim))]);
  const boxes = joined(graph, [
    column([0, 0.5, 0, 0.5], 3),
    column([0, 0, 0.5, 0.5], 2),
    column([0.5, 1, 0.5, 1], 3),
    column([0.5, 0.5, 1, 1], 2),
  ]);
  const likely = whereTrue(
    graph,
    graph.node('Greater', [scores, graph.setting(DETECTION_SETTINGS.score, 'float32', 0.3)]),
  );
  const candidates = {
    boxes: gather(graph, boxes, likely),
    scores: gather(graph, scores, likely),
    categories: gather(graph, graph.ints([1, 2, 3, 4]), likely),
  };
  const kept = suppress(graph, candidates, {
    count: 5,
    threshold: graph.setting(DETECTION_SETTINGS.iou, 'float32', 0.5),
    most: graph.setting(DETECTION_SETTINGS.count, 'int64', 100),
  });
  const found = new Map(
    Object.entries({ boxes_0: 'boxes', labels_0: 'categories', scores_0: 'scores' } as const).map(([name, key]) => [
      gather(graph, candidates[key], kept),
      name,
    ]),
  );
  const outputs: ModelParts['outputs'][number][] = [
    { name: 'boxes_0', shape: ['detections', 4] },
    { name: 'labels_0', shape: ['detections'], dtype: 'int64' },
    { name: 'scores_0', shape: ['detections'] },
  ];
  if (masks) {
    const ofObjects = graph.node('Unsqueeze', [gather(graph, candidates.scores, kept), graph.ints([1, 2, 3])]);
    const cells = graph.node('Mul', [graph.floats(RING, [1, 1, MASK_SIDE, MASK_SIDE]), ofObjects]);
    const shown = graph.node('Mul', [
      graph.ints([MASK_SIDE, MASK_SIDE]),
      graph.setting(MASK_SETTINGS.paste, 'int64', 1),
    ]);
    found.set(cells, 'mask_probabilities_0');
    found.set(graph.node('Slice', [cells, graph.ints([0, 0]), shown, graph.ints([2, 3])]), 'masks_0');
    outputs.push({ name: 'masks_0', shape: ['detections', 1, 'height', 'width'] });
    outputs.push({ name: 'mask_probabilities_0', shape: ['detections', 1, MASK_SIDE, MASK_SIDE] });
  }
  return written(graph, found, { input: { name: graph.input, shape: [1, 3, 'height', 'width'] }, outputs });
}

/** Objectness is red, the two classes are green and blue. */
function halves(): Uint8Array {
  const graph = new Graph('Input', OPSET);
  const colours = graph.node('Flatten', [graph.node('GlobalAveragePool', [graph.input])], { axis: int(1) });
  const zero = graph.node('Mul', [
    graph.node('Slice', [colours, graph.ints([0]), graph.ints([1]), graph.ints([1])]),
    graph.floats([0], []),
  ]);
  const side = toFloat(graph, sizeOf(graph, graph.input, 3));
  const cells = [0.25, 0.75].map((x) => {
    const box = graph.node('Add', [zero, graph.node('Mul', [graph.floats([x, 0.5, 0.5, 1], [1, 4]), side])]);
    const row = graph.node('Concat', [box, colours], { axis: int(1) });
    return graph.node('Unsqueeze', [row, graph.ints([1])]);
  });
  const all = graph.node('Concat', cells, { axis: int(1) });
  return written(graph, new Map([[all, 'output']]), {
    input: { name: graph.input, shape: ['batch', 3, 'height', 'width'] },
    outputs: [{ name: 'output', shape: ['batch', 'cells', 7] }],
  });
}

function written(
  graph: Graph,
  names: ReadonlyMap<Value, string>,
  ports: Pick<ModelParts, 'input' | 'outputs'>,
): Uint8Array {
  return encodeModel({ ...graph.finish(names), ...ports, opset: OPSET, producer, metadata: {} });
}

async function write(
  folder: string,
  modelName: string,
  labels: string[],
  settings: DetectionSettings,
  onnx: Uint8Array,
) {
  await writeModelFolder(folder, {
    task: findsMasks(settings) ? 'image_instance_segmentation' : 'image_object_detection',
    modelName,
    labels,
    input: { mean: [0, 0, 0], std: [1, 1, 1], interpolation: 'linear', normalised_in_graph: false },
    settings,
    firstLabel: modelName === 'yolov5' ? 0 : 1,
    weights: new Map([['none', tensor([0])]]),
    onnx,
    training: { job: 'example' },
    weightsOrigin: { pretrained: false, weights: 'random', licence: null },
  });
}

/** Folders `quarters`, `rings` and `halves`. */
export async function writeExampleDetectors(folder: string): Promise<void> {
  const thresholds = { box_score_thresh: 0.3, nms_iou_thresh: 0.5 };
  const region = { min_size: 48, max_size: 96, ...thresholds, box_detections_per_img: 100 };
  const labels = ['left top', 'right top', 'left bottom', 'right bottom'];
  await write(join(folder, 'quarters'), 'fasterrcnn_resnet18_fpn', labels, region, quarters());
  const withMasks = { ...region, ...MASK_DEFAULTS };
  await write(join(folder, 'rings'), 'maskrcnn_resnet18_fpn', labels, withMasks, quarters({ masks: true }));
  const yolo = { img_size: 64, model_size: 'small', ...thresholds };
  await write(join(folder, 'halves'), 'yolov5', ['green', 'blue'], yolo, halves());
}

if (import.meta.main) await writeExampleDetectors(process.argv[2]);
