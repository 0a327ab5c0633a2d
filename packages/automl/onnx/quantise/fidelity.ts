import type { EditableGraph, GraphIndex } from './editable-graph.ts';
import { type CalibrationInputs, type RunOptions, runOn } from './observe.ts';
import type { QuantisationPlan } from './plan.ts';

/** What follows these depends on what is in the image: a rounding may put other boxes in their places. */
const CHOOSING = new Set(['NonMaxSuppression', 'TopK', 'NonZero', 'RoiAlign']);

/**
 * Values by which two forms of a network can be compared number by number: what the graph answers, and what convolutions say that were
 * left in float. Without those that depend on a choice between boxes.
 */
export function comparableValues(graph: EditableGraph, index: GraphIndex, plan: QuantisationPlan): string[] {
  const chosen = new Set<string>();
  for (const node of graph.nodes)
    if (CHOOSING.has(node.opType) || node.input.some((value) => chosen.has(value)))
      for (const value of node.output) chosen.add(value);
  const last = graph.nodes.filter((node) => node.opType === 'Conv' && !plan.weighted.has(node));
  const candidates = [...graph.outputs, ...last.map(({ output }) => output[0])];
  return [...new Set(candidates)].filter((value) => !chosen.has(value) && index.producer(value) !== undefined);
}

/** Values of a network for each input. */
export async function valuesOf(
  graph: EditableGraph,
  values: readonly string[],
  inputs: CalibrationInputs,
  options: RunOptions,
): Promise<Readonly<Record<string, Float32Array>>[]> {
  const all: Readonly<Record<string, Float32Array>>[] = [];
  await runOn(graph.writePartFor(values), inputs, options, (outputs) => all.push(outputs));
  return all;
}

/** Mean over the values of (mean squared difference) / (variance of what it should be). */
export function relativeError(
  expected: readonly Readonly<Record<string, Float32Array>>[],
  actual: readonly Readonly<Record<string, Float32Array>>[],
): number {
  const names = Object.keys(expected[0] ?? {});
  const errors = names.map((name) => {
    let [count, sum, squares, differences] = [0, 0, 0, 0];
    for (const [i, { [name]: wanted }] of expected.entries()) {
      const given = actual[i][name];
      for (let j = 0; j < wanted.length; j++) {
        sum += wanted[j];
        squares += wanted[j] * wanted[j];
        differences += (wanted[j] - given[j]) ** 2;
      }
      count += wanted.length;
    }
    const variance = squares - (sum * sum) / count;
    return variance > 0 ? differences / variance : 0;
  });
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}
