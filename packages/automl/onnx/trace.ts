import { type DType, type nn, noGrad, type RecordedCall, recordCalls, Tensor } from '@fovea/torch';
import { OnnxError } from './onnx-error.ts';
import { parseSchema } from './schema.ts';

/** One dispatcher call of a traced forward pass. */
export interface TracedCall {
  operator: string;
  schema: string;
  /** Path of the innermost module whose `forward` made it. */
  module: string;
  /** By parameter name, defaults filled in. */
  args: Readonly<Record<string, unknown>>;
  /** The tensors it returned (a list of tensors is flattened). */
  outputs: readonly Tensor[];
}

/**
 * A forward pass as a list of calls. What differs between inputs of several shapes depends on the shape: the pass is run on a base
 * input and on probes, and every number is kept as the list of its values, base first.
 */
export interface Trace {
  input: Tensor;
  outputs: readonly Tensor[];
  calls: readonly TracedCall[];
  /** Size of the first dimension of the input in each pass. */
  batches: readonly number[];
  /** Shape of a tensor of the base pass, in each pass; empty for one that the model freed. */
  shapes(tensor: Tensor): readonly (readonly number[])[];
  /** An argument of a call in each pass, tensors left out. */
  variants(call: number, name: string): readonly unknown[];
}

/**
 * Traces `model` on random inputs of the given shapes; the first is the base. Call it inside `tidy`: the tensors of the base pass
 * live on.
 *
 * @param forward what is traced; default: the model's own forward pass
 * @throws OnnxError when the passes do not make the same calls, or the model does not map one float32 tensor to others
 */
export function traceModel(
  model: nn.AnyModule,
  inputShapes: readonly (readonly number[])[],
  input: (shape: readonly number[]) => Tensor,
  forward: Forward = (x) => model.forward(x),
): Trace {
  const base = runOnce(model, forward, input(inputShapes[0]));
  const probes = inputShapes.slice(1).map((shape) => skeleton(runOnce(model, forward, input(shape))));
  for (const probe of probes) requireSameCalls(base.calls, probe.calls);

  const shapes = new Map<Tensor, readonly (readonly number[])[]>();
  const note = (tensor: Tensor, probed: readonly (readonly number[])[]) => {
    if (!tensor.isDisposed && !shapes.has(tensor)) shapes.set(tensor, [tensor.shape, ...probed]);
  };
  note(
    base.input,
    probes.map((probe) => probe.inputShape),
  );
  base.calls.forEach((call, i) => {
    tensorsOf(call).forEach((tensor, k) => {
      note(
        tensor,
        probes.map((probe) => probe.calls[i].shapes[k]),
      );
    });
  });

  return {
    ...base,
    batches: inputShapes.map((shape) => shape[0]),
    shapes: (tensor) => shapes.get(tensor) ?? inputShapes.map(() => []),
    variants: (call, name) => [base.calls[call].args[name], ...probes.map((probe) => probe.calls[call].args[name])],
  };
}

/** From the input to a tensor or several. */
export type Forward = (input: Tensor) => unknown;

interface Pass {
  input: Tensor;
  outputs: Tensor[];
  calls: TracedCall[];
}

function runOnce(model: nn.AnyModule, forward: Forward, input: Tensor): Pass {
  const paths: string[] = [];
  const { result, calls } = recordCalls((record) => {
    const unwatch = watchModules(model, record, paths);
    try {
      return noGrad(() => forward(input));
    } finally {
      unwatch();
    }
  });
  const outputs = [result].flat();
  if (outputs.length === 0 || !outputs.every(isTensor)) {
    throw new OnnxError({ code: 'unsuitable-model', message: 'only a model that returns tensors can be exported' });
  }
  for (const { dtype } of outputs) requireFloat32(dtype);
  return { input, outputs, calls: calls.map((call, i) => tracedCall(call, paths[i] ?? '')) };
}

/** Notes for every recorded call the path of the innermost module that is running, in `paths`. */
function watchModules(model: nn.AnyModule, record: readonly RecordedCall[], paths: string[]): () => void {
  const running: string[] = [''];
  const catchUp = () => {
    while (paths.length < record.length) paths.push(running[running.length - 1]);
  };
  const undo: (() => void)[] = [];
  for (const [path, module] of model.namedModules()) {
    const own = Object.getOwnPropertyDescriptor(module, 'forward');
    if (own && !own.configurable) continue;
    const { forward } = module;
    const watched = (...inputs: unknown[]): unknown => {
      catchUp();
      running.push(path);
      try {
        return forward.apply(module, inputs);
      } finally {
        catchUp();
        running.pop();
      }
    };
    Object.defineProperty(module, 'forward', { value: watched, configurable: true, enumerable: false });
    undo.push(() => {
      if (own) Object.defineProperty(module, 'forward', own);
      else Reflect.deleteProperty(module, 'forward');
    });
  }
  return () => {
    for (const restore of undo) restore();
  };
}

function tracedCall(call: RecordedCall, module: string): TracedCall {
  const args: Record<string, unknown> = {};
  parseSchema(call.schema).parameters.forEach((parameter, i) => {
    args[parameter.name] = call.args[i] === undefined ? parameter.default : call.args[i];
  });
  return { operator: call.operator, schema: call.schema, module, args, outputs: call.outputs.flat().filter(isTensor) };
}

/** What is compared between passes; its tensors may be freed. */
interface Skeleton {
  inputShape: readonly number[];
  calls: { operator: string; args: Record<string, unknown>; shapes: number[][] }[];
}

function skeleton({ input, calls }: Pass): Skeleton {
  return {
    inputShape: input.shape,
    calls: calls.map((call) => ({
      operator: call.operator,
      args: Object.fromEntries(Object.entries(call.args).filter(([, value]) => ![value].flat().some(isTensor))),
      shapes: tensorsOf(call).map((tensor) => (tensor.isDisposed ? [] : tensor.shape)),
    })),
  };
}

function requireSameCalls(base: readonly TracedCall[], probe: Skeleton['calls']): void {
  const same =
    base.length === probe.length &&
    base.every((call, i) => call.operator === probe[i].operator && tensorsOf(call).length === probe[i].shapes.length);
  if (same) return;
  throw new OnnxError({
    code: 'fixed-batch',
    message:
      'the model computes different things for inputs of different shapes, so that no single graph stands for it',
    hint: 'Export it for one batch size (dynamicBatch: false)',
  });
}

/** The tensors of a call: those among its arguments in order of the schema, then its results. */
function tensorsOf(call: TracedCall): Tensor[] {
  return [...Object.values(call.args).flat().filter(isTensor), ...call.outputs];
}

export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

function requireFloat32(dtype: DType): void {
  if (dtype === 'float32') return;
  throw new OnnxError({
    code: 'unsuitable-model',
    message: `the model computes in ${dtype}, and is exported in float32`,
    hint: "Convert it (model.to({dtype: 'float32'})) and leave autocast off",
  });
}
