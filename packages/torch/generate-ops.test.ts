import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasOp, Operator } from './call.ts';
import { torchVersion } from './engine.ts';
import { functionName, generate, operatorNames, signature } from './generate-ops.ts';

test('a function has the name of its operator in camelCase, then the overload; in-place forms end in _', () => {
  const names = {
    'aten::conv2d': 'conv2d',
    'aten::log_softmax.int': 'logSoftmaxInt',
    'aten::add_.Tensor': 'addTensor_',
    'aten::_foreach_add_.ScalarList': '_foreachAddScalarList_',
    'aten::_adaptive_avg_pool2d': '_adaptiveAvgPool2d',
    'aten::sum.dim_IntList': 'sumDimIntList',
    'aten::pow.Tensor_Scalar': 'powTensorScalar',
    'aten::linalg_vector_norm': 'linalgVectorNorm',
    'aten::__and__.Tensor': 'andTensor',
    'aten::var': 'varOp',
    'torchvision::roi_align': 'roiAlign',
  };
  for (const [operator, name] of Object.entries(names)) assert.equal(functionName(operator), name);
});

test('a signature says what the schema says', () => {
  const signatures = {
    'aten::relu(Tensor self) -> Tensor': '(self: Tensor) => Tensor',
    'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor':
      '(self: Tensor, dim: number | readonly number[] | null, keepdim?: boolean, dtype?: DType | null) => Tensor',
    'aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)':
      '(self: Tensor, dim: number, keepdim?: boolean) => [Tensor, Tensor]',
    'aten::_foreach_add_.ScalarList(Tensor(a!)[] self, Scalar[] scalars) -> ()':
      '(self: readonly Tensor[], scalars: readonly (number | boolean)[]) => void',
    'aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]':
      '(self: Tensor, chunks: number, dim?: number) => Tensor[]',
    'aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor':
      '(self: Tensor, indices: readonly (Tensor | null)[]) => Tensor',
    // A default before a parameter that must be given cannot be left out.
    'aten::f(Tensor self, float eps=1.0000000000000001e-05, *, Generator? generator, str mode="a, (b", Device? device=None) -> bool':
      '(self: Tensor, eps: number | undefined, generator: GeneratorHandle | null, mode?: string, device?: string | null) => boolean',
    'aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], bool[3] output_mask=[True, True, True]) -> Tensor':
      '(self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], outputMask?: boolean | readonly boolean[]) => Tensor',
    'aten::empty_like(Tensor self, *, Layout? layout=None, MemoryFormat memory_format=0) -> Tensor':
      "(self: Tensor, layout?: 'strided' | null, memoryFormat?: MemoryFormat) => Tensor",
    'aten::g(SymInt[] size, *, Tensor(a!) out) -> Tensor(a!)': '(size: readonly number[], out: Tensor) => Tensor',
    'aten::h(Tensor input, Tensor? function=None, Tensor new) -> (Tensor, Tensor[], int)':
      '(input: Tensor, function_: Tensor | null | undefined, new_: Tensor) => [Tensor, Tensor[], number]',
  };
  for (const [schema, expected] of Object.entries(signatures)) assert.equal(signature(schema), expected);
});

test('a schema with values that have no JavaScript form is refused', () => {
  assert.throws(() => signature('aten::f(Storage source) -> Tensor'), /no TypeScript type for Storage/);
});

test('every registered operator has a signature, but for those with values of no JavaScript form', () => {
  for (const name of operatorNames().filter(hasOp)) assert.ok(signature(Operator.find(name)?.schema ?? ''));
});

test('ops.generated.ts is what libtorch 1.13 registers', (t) => {
  const version = torchVersion();
  if (!version.startsWith('1.13.')) return t.skip(`schemas differ by version, and this is libtorch ${version}`);
  const absent = operatorNames().filter((name) => !hasOp(name));
  if (absent.length > 0) return t.skip(`this libtorch lacks ${absent.join(', ')}`);
  const written = readFileSync(new URL('ops.generated.ts', import.meta.url), 'utf8');
  assert.equal(written, generate(operatorNames()), 'run: npm run generate:ops');
});
