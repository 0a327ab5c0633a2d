import type { Mapping } from '../call.ts';
import { layers } from './layers.ts';
import { pointwise } from './pointwise.ts';
import { shape } from './shape.ts';

/**
 * The ONNX form of every operator that can be exported, by the name it is registered under. To add one, add a line to the table of its
 * kind: the arguments are read by their names in the operator's schema, defaults are filled in.
 */
export const MAPPINGS: Readonly<Record<string, Mapping>> = { ...pointwise, ...layers, ...shape };

/** The mapping of an operator; an in-place form (`relu_`, `add_.Tensor`) has that of the plain one. */
export function mappingOf(operator: string): Mapping | undefined {
  return MAPPINGS[operator] ?? MAPPINGS[operator.replace(/_(?=\.|$)/, '')];
}
