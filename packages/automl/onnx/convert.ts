import type { Tensor } from '@fovea/torch';
import { Call } from './call.ts';
import type { Graph, Value } from './graph.ts';
import { mappingOf } from './mapping/index.ts';
import { OnnxError } from './onnx-error.ts';
import { parseSchema } from './schema.ts';
import { isTensor, type Trace, type TracedCall } from './trace.ts';

/**
 * Turns the calls of a trace into nodes of `graph`, one after the other, and returns the values of what the model returned.
 *
 * A tensor's value is that of its latest producer, so an in-place operator is the plain one with its result put in the tensor's place.
 * Calls that depend on nothing of the model's input need no nodes: their results become constants.
 *
 * @param input the value that the trace's input stands for
 * @param names of parameters and buffers
 * @throws OnnxError for an operator without a mapping, or used in a way that has no ONNX form
 */
export function convertTrace(trace: Trace, graph: Graph, input: Value, names: ReadonlyMap<Tensor, string>): Value[] {
  const values = new Map<Tensor, Value>([[trace.input, input]]);
  const memory = new SharedMemory();
  const constants = new Set<Tensor>();

  const hasFixedShape = (tensor: Tensor) => {
    const [base, ...probes] = trace.shapes(tensor).map(String);
    return probes.every((shape) => shape === base);
  };
  const resolve = (call: TracedCall) => (tensor: Tensor) => {
    if (memory.isStale(tensor)) throw staleView(call);
    const value = values.get(tensor);
    if (value !== undefined) return value;
    if (!hasFixedShape(tensor)) throw growingConstant(call);
    constants.add(tensor);
    return graph.initializer(tensor, names.get(tensor) ?? join(call.module, 'constant'));
  };

  trace.calls.forEach((call, position) => {
    const inputs = Object.values(call.args).flat().filter(isTensor);
    const schema = parseSchema(call.schema);
    const written = schema.parameters
      .filter(({ mutated }) => mutated)
      .map(({ name }) => call.args[name])
      .filter(isTensor);
    const mapping = mappingOf(call.operator);
    const isComputed = inputs.some((tensor) => values.has(tensor));
    const growsFromConstant = !isComputed && inputs.length > 0 && mapping && !call.outputs.every(hasFixedShape);
    if (isComputed || growsFromConstant) {
      graph.module = call.module;
      if (!mapping) throw noMapping(call);
      const results = [mapping(new Call(trace, position, resolve(call)), graph)].flat();
      call.outputs.forEach((tensor, i) => {
        values.set(tensor, results[i]);
        // A result that is the value of an argument may be that tensor's memory, whatever the schema says (dropout in evaluation).
        for (const source of inputs) if (values.get(source) === results[i]) memory.share(source, tensor);
      });
    } else if (written.some((tensor) => constants.has(tensor))) {
      throw changedConstant(call);
    }
    schema.returns.forEach((alias, i) => {
      if (alias === null) return;
      const source = call.args[schema.parameters.find((parameter) => parameter.alias === alias)?.name ?? ''];
      const views = schema.returns.length === 1 ? call.outputs : [call.outputs[i]];
      if (isTensor(source)) for (const view of views) memory.share(source, view);
    });
    for (const tensor of written) memory.write(tensor);
  });

  graph.module = '';
  return trace.outputs.map((output) => {
    const value = values.get(output);
    if (value !== undefined) return value;
    throw new OnnxError({ code: 'unsuitable-model', message: 'an output of the model does not depend on its input' });
  });
}

/** Which tensors are views of the same memory, and which of them were overtaken by a write through another. */
class SharedMemory {
  readonly #groups = new Map<Tensor, Set<Tensor>>();
  readonly #stale = new Set<Tensor>();

  share(a: Tensor, b: Tensor): void {
    if (a === b) return;
    const group = this.#groups.get(a) ?? new Set([a]);
    for (const tensor of this.#groups.get(b) ?? [b]) group.add(tensor);
    for (const tensor of group) this.#groups.set(tensor, group);
  }

  /** After a write the tensor itself is up to date, its relatives are not. */
  write(tensor: Tensor): void {
    for (const relative of this.#groups.get(tensor) ?? []) this.#stale.add(relative);
    this.#stale.delete(tensor);
  }

  isStale(tensor: Tensor): boolean {
    return this.#stale.has(tensor);
  }
}

const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);

const at = ({ operator, schema, module }: TracedCall) => ({ operator, schema, module });

function noMapping(call: TracedCall): OnnxError {
  return new OnnxError({
    code: 'unsupported-operator',
    message: `there is no ONNX form of this operator yet: ${call.schema}`,
    hint: 'Add its mapping in onnx/mapping, or compute the same with operators that have one',
    ...at(call),
  });
}

function staleView(call: TracedCall): OnnxError {
  return new OnnxError({
    code: 'unsupported-use',
    message:
      'a tensor is read after another view of its memory was written in place; a graph of values cannot follow that',
    hint: 'Use the form of the operator that does not write in place',
    ...at(call),
  });
}

function growingConstant(call: TracedCall): OnnxError {
  return new OnnxError({
    code: 'fixed-batch',
    message: 'a tensor is made in the size of the input without being computed from it',
    hint: 'Let it broadcast instead',
    ...at(call),
  });
}

function changedConstant(call: TracedCall): OnnxError {
  return new OnnxError({
    code: 'unsupported-use',
    message: 'a constant is changed in place after it was used',
    hint: 'Make a new tensor instead',
    ...at(call),
  });
}
