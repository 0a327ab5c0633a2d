import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { nn } from '@fovea/torch';
import fc from 'fast-check';
import { exportOnnx } from './export.ts';
import { inspectOnnx, withImageSize } from './inspect.ts';
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from './onnx.gen.ts';
import { verifyOnnx } from './verify.ts';

const model = new nn.Sequential(new nn.Conv2d(3, 4, 3), new nn.AdaptiveAvgPool2d(1), new nn.Flatten());
const good = exportOnnx(model, { inputShape: [1, 3, 16, 16] });

/** The good file with something changed. */
function changed(change: (model: ModelProto) => void): Uint8Array {
  const copy = fromBinary(ModelProtoSchema, good);
  change(copy);
  return toBinary(ModelProtoSchema, copy);
}

const graphOf = (copy: ModelProto) => copy.graph ?? assert.fail('no graph');

test('a file of our own is taken', () => {
  assert.deepEqual(inspectOnnx(good, 'm.onnx').outputs, [{ name: 'output1', shape: ['batch', 4] }]);
});

const HOSTILE: Record<string, [change: (copy: ModelProto) => void, complaint: RegExp]> = {
  'external data': [
    (copy) => {
      const [tensor] = graphOf(copy).initializer;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: '/etc/passwd' })];
    },
    /"0\.weight" lies in another file/,
  ],
  'a custom operator': [
    (copy) => {
      graphOf(copy).node[0].domain = 'com.evil';
    },
    /custom operator "com\.evil\.Conv"/,
  ],
  'a custom operator set': [
    (copy) => copy.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'com.evil', version: 1n })),
    /custom operators \("com\.evil"\)/,
  ],
  'a lying shape': [
    (copy) => {
      graphOf(copy).initializer[0].dims = [2n ** 20n, 2n ** 20n];
    },
    /absurd shape/,
  ],
  'too few numbers': [
    (copy) => {
      graphOf(copy).initializer[0].dims = [5n, 3n, 3n, 3n];
    },
    /should hold 135 numbers and holds 108/,
  ],
  'a negative size': [
    (copy) => {
      graphOf(copy).initializer[0].dims = [-4n, -3n, 3n, 3n];
    },
    /absurd shape/,
  ],
  'an absurd input': [
    (copy) => {
      const type = graphOf(copy).input[0].type?.value;
      if (type?.case === 'tensorType' && type.value.shape) {
        type.value.shape.dim[2].value = { case: 'dimValue', value: 10n ** 9n };
      }
    },
    /"input1" has the absurd shape/,
  ],
  'an absurd padding': [
    (copy) => {
      const pads = graphOf(copy).node[0].attribute.find(({ name }) => name === 'pads');
      if (pads) pads.ints = [10n ** 12n, 0n, 0n, 0n];
    },
    /"Conv" "\/0\/Conv" has an absurd "pads"/,
  ],
  'a loop': [
    (copy) =>
      graphOf(copy).node.push(
        create(NodeProtoSchema, {
          opType: 'Loop',
          attribute: [create(AttributeProtoSchema, { name: 'body', g: create(GraphProtoSchema, {}) })],
        }),
      ),
    /branches or loops/,
  ],
  'no graph': [
    (copy) => {
      copy.graph = undefined;
    },
    /holds no graph/,
  ],
};

for (const [name, [change, complaint]] of Object.entries(HOSTILE)) {
  test(`${name} is refused`, () => {
    assert.throws(() => inspectOnnx(changed(change), 'hostile.onnx'), { code: 'refused-file', message: complaint });
  });
}

test('whatever bytes come, the answer is a refusal or a summary', () => {
  fc.assert(
    fc.property(fc.nat({ max: good.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 16 }), (at, bytes) => {
      const damaged = good.slice();
      damaged.set(bytes.slice(0, good.length - at), at);
      for (const candidate of [damaged, good.subarray(0, at), bytes]) {
        try {
          inspectOnnx(candidate, 'damaged.onnx');
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'refused-file', String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('a graph that takes any size can be told another one', async () => {
  const larger = withImageSize(good, 40, 24);
  assert.deepEqual(inspectOnnx(larger, 'm.onnx').inputs[0].shape, ['batch', 3, 40, 24]);
  await verifyOnnx(larger, model, { image: [3, 40, 24] });
});
