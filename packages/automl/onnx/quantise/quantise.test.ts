import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, type nn, noGrad, randn } from '@fovea/torch';
import { fasterRcnn, MobileNetV2, ResNeSt, SEResNeXt, VisionTransformer, yolov5 } from '@fovea/vision';
import { exportDetector } from '../detection/export.ts';
import { encodeModel, type ModelParts } from '../encode.ts';
import { exportOnnx } from '../export.ts';
import { Graph, int, ints } from '../graph.ts';
import { inspectOnnx } from '../inspect.ts';
import { testImages } from '../test-images.ts';
import { EditableGraph, GraphIndex } from './editable-graph.ts';
import { relativeError } from './fidelity.ts';
import { type CalibrationInputs, runOn } from './observe.ts';
import { planQuantisation } from './plan.ts';
import { quantiseOnnx } from './quantise.ts';

const producer = { name: 'test', version: '1' };

function inputsOf(...arrays: { data: Float32Array; shape: readonly number[] }[]): CalibrationInputs {
  return { count: arrays.length, read: () => arrays };
}

const noise = (count: number, ...shape: number[]): CalibrationInputs =>
  inputsOf(...Array.from({ length: count }, () => ({ data: testImages([1, ...shape]), shape: [1, ...shape] })));

async function outputsOf(onnx: Uint8Array, inputs: CalibrationInputs) {
  const all: Readonly<Record<string, Float32Array>>[] = [];
  await runOn(onnx, inputs, { threads: 1 }, (outputs) => all.push(outputs));
  return all;
}

const operatorsOf = (onnx: Uint8Array): string[] => new EditableGraph(onnx).nodes.map(({ opType }) => opType);

/** A file with the input `x` and the output `y`. */
function written(graph: Graph, output: string, shape: readonly (number | string)[], inputShape: readonly number[]) {
  const parts: Pick<ModelParts, 'input' | 'outputs'> = {
    input: { name: 'x', shape: inputShape },
    outputs: [{ name: 'y', shape }],
  };
  return encodeModel({
    ...graph.finish(new Map([[output, 'y']])),
    ...parts,
    opset: 17,
    producer,
    metadata: { kept: 'yes' },
  });
}

describe('a small graph', () => {
  // Three channels, two pixels. Each of two layers takes a weighted sum of the channels; a rectifier lies between them.
  const graph = new Graph('x', 17);
  const first = graph.node('Conv', [
    'x',
    graph.floats([1, 2, -1, 0.5, 0.5, 0.5], [2, 3, 1, 1]),
    graph.floats([0.25, -1], [2]),
  ]);
  const second = graph.node('Conv', [graph.node('Relu', [first]), graph.floats([1, -1], [1, 2, 1, 1])]);
  const last = graph.node('Conv', [second, graph.floats([2], [1, 1, 1, 1])]);
  const bytes = written(graph, last, [1, 1, 1, 2], [1, 3, 1, 2]);
  const data = Float32Array.of(0, 5.1, 1, 2, 3, 0.7);
  const inputs = inputsOf({ data, shape: [1, 3, 1, 2] });

  test('becomes what is worked out by hand', async () => {
    const { onnx, layers } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    assert.deepEqual(layers, { int8: 2, float: 1 });
    const [{ y }] = await outputsOf(onnx, inputs);

    const roundTo = (value: number, scale: number, zeroPoint = 0) =>
      scale * (Math.max(0, Math.min(255, Math.round(value / scale) + zeroPoint)) - zeroPoint);
    // Few values: the range is that of all of them with whatever method.
    const [inScale, midScale] = [5.1 / 255, 8.65 / 255];
    const weight = (value: number, most: number) => (Math.round((value / most) * 127) * most) / 127;
    const hand = [0, 1].map((pixel) => {
      const x = [0, 1, 2].map((channel) => roundTo(data[2 * channel + pixel], inScale));
      const a = x[0] * weight(1, 2) + x[1] * 2 + x[2] * weight(-1, 2) + 0.25;
      const b = 0.5 * (x[0] + x[1] + x[2]) - 1;
      const middle = [a, b].map((value) => roundTo(Math.max(0, value), midScale));
      return { middle, sum: middle[0] - middle[1] };
    });
    const sums = [0, 1].map((pixel) => {
      const [x0, x1, x2] = [0, 1, 2].map((channel) => data[2 * channel + pixel]);
      return Math.max(0, x0 + 2 * x1 - x2 + 0.25) - Math.max(0, 0.5 * (x0 + x1 + x2) - 1);
    });
    const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
    const outScale = (high - low) / 255;
    const outZero = Math.round(-low / outScale);
    hand.forEach(({ sum }, pixel) => {
      const expected = 2 * roundTo(sum, outScale, outZero);
      assert.ok(Math.abs(y[pixel] - expected) <= 2.01 * outScale, `${y[pixel]} and ${expected}`);
    });
  });

  test('keeps its ports and what it says of itself, and is a file that may be loaded', async () => {
    const { onnx } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    assert.deepEqual(inspectOnnx(onnx, 'quantised'), inspectOnnx(bytes, 'float'));
  });

  test('has its rectifier in the range of what follows it', async () => {
    const { onnx } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    assert.ok(!operatorsOf(onnx).includes('Relu'));
    const index = new GraphIndex(new EditableGraph(onnx));
    const constants = new EditableGraph(onnx).constants.map(({ name }) => name);
    assert.ok(
      constants.every((name) => index.consumers(name).length > 0),
      'no constant is left over',
    );
  });

  test('leaves in float what comes after values of which none was ever seen', () => {
    const simplified = new EditableGraph(bytes);
    const index = new GraphIndex(simplified);
    const names = ({ weighted }: ReturnType<typeof planQuantisation>) => [...weighted].map(({ name }) => name);
    const all = planQuantisation(simplified, index);
    const [one] = names(all);
    const between = [...all.weighted][1].input[0];
    assert.deepEqual(names(planQuantisation(simplified, index, new Set([between]))), [one]);
    assert.deepEqual(names(planQuantisation(simplified, index, new Set(['x']))), []);
  });

  test('says that it needs inputs, and layers', async () => {
    await assert.rejects(quantiseOnnx(bytes, inputsOf()), /needs inputs/);
    const pooling = new Graph('x', 17);
    const none = written(pooling, pooling.node('GlobalAveragePool', ['x']), [1, 3, 1, 1], [1, 3, 1, 2]);
    await assert.rejects(quantiseOnnx(none, inputs), /no convolutions or products with constant weights/);
    await assert.rejects(quantiseOnnx(Uint8Array.of(9, 9, 9), inputs), /not an ONNX file/);
  });
});

test('layers that share weights go on sharing them, and one whose output is the answer stays float', async () => {
  const graph = new Graph('x', 17);
  const weight = graph.floats([0.5, -0.25, 0.125, 1], [2, 2, 1, 1]);
  const once = graph.node('Conv', ['x', weight]);
  const twice = graph.node('Conv', [once, weight]);
  const bytes = written(graph, graph.node('Conv', [twice, weight]), [1, 2, 4, 4], [1, 2, 4, 4]);
  const { onnx, layers } = await quantiseOnnx(bytes, noise(4, 2, 4, 4), { threads: 1 });
  assert.deepEqual(layers, { int8: 2, float: 1 });
  const made = new EditableGraph(onnx);
  assert.equal(made.constants.filter(({ dims, dataType }) => dataType === 3 && dims.length === 4).length, 1);
});

test('copies keep the scale of what they are of, so that nothing is rounded twice', async () => {
  const graph = new Graph('x', 17);
  const weight = graph.floats([0.5, -0.25, 0.125, 1], [2, 2, 1, 1]);
  const pooled = graph.node('MaxPool', [graph.node('Conv', ['x', weight])], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  const both = graph.node('Concat', [pooled, pooled], { axis: int(1) });
  const wide = graph.floats([1, 2, 3, 4], [1, 4, 1, 1]);
  const after = graph.node('Conv', [graph.node('Conv', [both, wide]), graph.floats([1], [1, 1, 1, 1])]);
  const bytes = written(graph, after, [1, 1, 2, 2], [1, 2, 4, 4]);
  const { onnx } = await quantiseOnnx(bytes, noise(4, 2, 4, 4), { threads: 1 });
  const made = new EditableGraph(onnx);
  const index = new GraphIndex(made);
  const scaleAfter = (type: string) => {
    const node = made.nodes.find(({ opType }) => opType === type);
    return index.consumers(node?.output[0] ?? '').find(({ opType }) => opType === 'QuantizeLinear')?.input[1];
  };
  assert.equal(scaleAfter('MaxPool'), scaleAfter('Conv'));
  assert.notEqual(scaleAfter('Concat'), scaleAfter('Conv'));
});

/**
 * Every family; blocks and channels fewer than published where these would take long. `most`: error; `size`: part of the float file,
 * larger where the weights are few beside the nodes.
 */
const FAMILIES: Record<string, { build: () => nn.Module; side: number; most: number; size?: number }> = {
  mobilenetv2: { build: () => new MobileNetV2(7), side: 64, most: 0.03 },
  resnest: { build: () => new ResNeSt([1, 2, 1, 1], 16, 7), side: 64, most: 0.01 },
  seresnext: { build: () => new SEResNeXt([1, 1, 1, 1], 7), side: 64, most: 0.01 },
  vit: {
    build: () => new VisionTransformer({ width: 48, depth: 2, heads: 3 }, 7, 48),
    side: 48,
    most: 0.01,
    size: 0.7,
  },
};

for (const [name, { build, side, most, size = 0.4 }] of Object.entries(FAMILIES)) {
  test(`${name} with integers says nearly what it says in float`, async () => {
    manualSeed(0);
    const model = build();
    model.train();
    noGrad(() => model.forward(randn([8, 3, side, side]))); // running statistics away from 0 and 1
    const bytes = exportOnnx(model, { inputShape: [1, 3, side, side] });
    const inputs = noise(8, 3, side, side);
    const { onnx, layers } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    const error = relativeError(await outputsOf(bytes, inputs), await outputsOf(onnx, inputs));
    assert.ok(error < most, `${error}`);
    assert.ok(layers.int8 > 4 * layers.float, JSON.stringify(layers));
    assert.ok(!operatorsOf(onnx).includes('BatchNormalization'));
    assert.ok(onnx.length < size * bytes.length, `${onnx.length} of ${bytes.length}`);
  });
}

describe('a detector', () => {
  test('has its convolutions and products with integers, and its boxes in float', async () => {
    manualSeed(0);
    const bytes = exportDetector(fasterRcnn({ backbone: 'resnet18', classes: 3 }));
    const inputs = noise(1, 3, 64, 96);
    const { onnx, layers } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    // Objectness and deltas of five levels are left.
    assert.deepEqual(layers, { int8: 37, float: 10 });
    assert.deepEqual(inspectOnnx(onnx, 'quantised').outputs, inspectOnnx(bytes, 'float').outputs);
    const index = new GraphIndex(new EditableGraph(onnx));
    const made = new EditableGraph(onnx);
    for (const { opType, input } of made.nodes) {
      if (!/^(NonMaxSuppression|TopK|Exp|Where)$/.test(opType)) continue;
      assert.ok(
        input.every((value) => index.producer(value)?.opType !== 'DequantizeLinear'),
        opType,
      );
    }
    const [outputs] = await outputsOf(onnx, inputs);
    assert.ok('scores_0' in outputs);
  });

  test('of cells says nearly what it says in float', async () => {
    manualSeed(0);
    const bytes = exportDetector(yolov5({ size: 'small', version: '6.2', classes: 2 }));
    const inputs = noise(4, 3, 64, 96);
    const { onnx, layers } = await quantiseOnnx(bytes, inputs, { threads: 1 });
    assert.equal(layers.float, 3);
    assert.ok(relativeError(await outputsOf(bytes, inputs), await outputsOf(onnx, inputs)) < 1e-3);
  });
});
