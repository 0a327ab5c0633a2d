import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { getRandomState, nn, ops, type Tensor, tensor } from '@fovea/torch';
import { exportOnnx } from './export.ts';
import { IMAGE_SIZE_KEY } from './image-size.ts';
import { inspectOnnx } from './inspect.ts';
import { ModelProtoSchema } from './onnx.gen.ts';
import type { OnnxError } from './onnx-error.ts';
import { verifyOnnx } from './verify.ts';

/** A small network with everything that classifiers have: shortcuts, in-place activations, dropout, a part that is not used. */
class Small extends nn.Module {
  stem = new nn.Sequential(
    new nn.Conv2d(3, 8, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(8),
    new nn.ReLU({ inplace: true }),
  );
  block = new nn.Conv2d(8, 8, 3, { padding: 1, groups: 2 });
  pool = new nn.AdaptiveAvgPool2d(1);
  dropout = new nn.Dropout(0.5);
  fc = new nn.Linear(8, 4);
  unused = new nn.Linear(8, 4);

  forward(x: Tensor): Tensor {
    const y = this.stem.forward(x);
    this.unused.forward(this.pool.forward(y).flatten(1));
    return this.fc.forward(this.dropout.forward(this.pool.forward(this.block.forward(y).add_(y)).flatten(1)));
  }
}

/** Position embeddings bind it to images of 16 × 16. */
class Tokens extends nn.Module {
  patches = new nn.Conv2d(3, 6, 4, { stride: 4 });
  position = new nn.Linear(16, 6);
  head = new nn.Linear(6, 4);

  forward(x: Tensor): Tensor {
    const tokens = this.patches.forward(x).flatten(2).transpose(1, 2);
    return this.head.forward(tokens.add(this.position.weight.t()).mean(1));
  }
}

/** Running statistics away from 0 and 1, as after training. */
function trained<T extends nn.Module>(model: T): T {
  model.train();
  for (let i = 0; i < 3; i++) model.forward(ops.randn([4, 3, 16, 16]).mul(2).add(1));
  return model;
}

const shape = [1, 3, 16, 16];
const read = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

describe('an exported model', () => {
  test('computes what the model computes, for any number of images', async () => {
    const model = trained(new Small());
    const bytes = exportOnnx(model, { inputShape: shape });
    const result = await verifyOnnx(bytes, model, { image: [3, 16, 16], batches: [1, 3, 7] });
    assert.ok(result.maxAbsDifference < 1e-5);
    assert.equal(result.compared, 44);
  });

  test('has the input and output that the contract names, with an open batch', () => {
    const summary = inspectOnnx(exportOnnx(new Small(), { inputShape: [1, 3, 224, 224] }), 'small.onnx');
    assert.deepEqual(summary.inputs, [{ name: 'input1', shape: ['batch', 3, 224, 224] }]);
    assert.deepEqual(summary.outputs, [{ name: 'output1', shape: ['batch', 4] }]);
    assert.equal(summary.opset, 17);
  });

  test('can be bound to one batch size', async () => {
    const model = new Small();
    const bytes = exportOnnx(model, { inputShape: [5, 3, 16, 16], dynamicBatch: false });
    assert.deepEqual(inspectOnnx(bytes, 'small.onnx').inputs[0].shape, [5, 3, 16, 16]);
    await verifyOnnx(bytes, model, { image: [3, 16, 16], batches: [5] });
  });

  test('carries weights under their checkpoint names, and only those it needs', () => {
    const model = new Small();
    const { graph } = read(exportOnnx(model, { inputShape: shape }));
    const names = new Set(graph?.initializer.map(({ name }) => name));
    const wanted = [...model.stateDict().keys()].filter((name) => !/^unused|num_batches/.test(name));
    for (const name of wanted) assert.ok(names.has(name), name);
    assert.ok(![...names].some((name) => name.startsWith('unused')));
    assert.ok(!graph?.node.some(({ name }) => name.includes('unused')), 'no node that the output does not need');
    assert.ok(
      graph?.node.some(({ name }) => name === '/stem/0/Conv'),
      'nodes are named after their modules',
    );
  });

  test('says who made it and what it was told to say', () => {
    const model = read(exportOnnx(new Small(), { inputShape: shape, metadata: { labels: '["ä","b"]' } }));
    assert.equal(model.producerName, 'fovea');
    assert.match(model.producerVersion, /^\d+\.\d+\.\d+/);
    assert.equal(model.metadataProps.find(({ key }) => key === 'labels')?.value, '["ä","b"]');
  });

  test('can take pixel values and normalise them itself', async () => {
    const model = trained(new Small());
    const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const bytes = exportOnnx(model, { inputShape: shape, normalisation });
    await verifyOnnx(bytes, model, { image: [3, 16, 16], normalisation });
    await assert.rejects(verifyOnnx(bytes, model, { image: [3, 16, 16] }), { code: 'mismatch' });
  });

  test('says whether it is right for images of other sizes', () => {
    const sizes = (model: nn.Module) =>
      inspectOnnx(exportOnnx(model, { inputShape: shape }), 'x').metadata[IMAGE_SIZE_KEY];
    assert.equal(sizes(new Small()), 'any');
    assert.equal(sizes(new Tokens()), 'fixed');
  });
});

describe('exporting', () => {
  test('leaves the mode of every module and the random generators as they were', () => {
    const model = new Small().train();
    model.block.training = false;
    const before = getRandomState();
    exportOnnx(model, { inputShape: shape });
    assert.deepEqual(getRandomState(), before);
    assert.deepEqual(
      [...model.namedModules()].map(([name, module]) => [name, module.training]),
      [...model.namedModules()].map(([name]) => [name, name !== 'block']),
    );
    assert.ok(!Object.hasOwn(model.block, 'forward'));
  });

  test('names the operator, its schema and its module when there is no ONNX form', () => {
    class Cumulative extends nn.Module {
      forward(x: Tensor): Tensor {
        return ops.cumsum(x, 1);
      }
    }
    const model = new nn.Sequential(new Small(), new nn.Sequential(new Cumulative()));
    assert.throws(
      () => exportOnnx(model, { inputShape: shape }),
      (error: OnnxError) => {
        assert.equal(error.code, 'unsupported-operator');
        assert.deepEqual([error.issue.operator, error.issue.module], ['aten::cumsum', '1.0']);
        assert.match(error.message, /aten::cumsum\(Tensor self, int dim/);
        return true;
      },
    );
  });

  test('refuses to follow a write that other views see', () => {
    class Aliased extends nn.Module {
      forward(x: Tensor): Tensor {
        const y = x.mul(2);
        y.flatten(1).relu_();
        return y.add(1);
      }
    }
    assert.throws(
      () => exportOnnx(new Aliased(), { inputShape: shape }),
      /read after another view of its memory was written/,
    );
  });

  test('refuses models that are not one float32 tensor to another', () => {
    const half = new Small().to({ dtype: 'bfloat16' });
    assert.throws(() => exportOnnx(half, { inputShape: shape }), /BFloat16|bfloat16/);
    class Constant extends nn.Module {
      forward(): Tensor {
        return tensor([1]);
      }
    }
    assert.throws(() => exportOnnx(new Constant(), { inputShape: shape }), /does not depend on its input/);
  });

  test('refuses a model whose graph would fit one batch size only', () => {
    class Mixing extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.narrow(0, 0, x.size(0) - 1);
      }
    }
    assert.throws(() => exportOnnx(new Mixing(), { inputShape: shape }), { code: 'fixed-batch' });
  });
});

test('a graph that computes something else is caught', async () => {
  const bytes = exportOnnx(trained(new Small()), { inputShape: shape });
  await assert.rejects(verifyOnnx(bytes, trained(new Small()), { image: [3, 16, 16] }), { code: 'mismatch' });
  await assert.rejects(
    verifyOnnx(new Uint8Array(20), new Small(), { image: [3, 16, 16] }),
    /ONNX Runtime does not take the graph/,
  );
});
