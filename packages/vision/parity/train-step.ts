/** What parity files record of a training step beside its losses: gradients, and what batch norms learned. */
import type { nn, Tensor } from '@fovea/torch';
import * as check from './check.ts';

/**
 * Bounds, in standard deviations, of single values that files give no tolerance for. Where an activation lies at the bend
 * of a ReLU, rounding decides the gradient: the reference itself, run with two threads instead of one, moves single
 * gradients by 0.02 (resnet152, mobilenet_v2) and late running statistics by 0.003. An error in a formula moves them by 1.
 */
const SINGLE_GRADIENT = 0.05;
const RUNNING_STATISTIC = 0.01;

type Check = check.Check;

/** Of the first backward, by the parameters' names; norms are L2. */
export interface RecordedGradients {
  grad_norm: Record<string, number>;
  /** Over all parameters. */
  grad_norm_total: number;
  grads: Record<string, check.RecordedTensor>;
}

/** Running statistics by the name of the batch norm. */
export type RecordedStatistics = Record<string, Record<string, number[] | number>>;

/** Looks at what has that name; a miss where nothing has. */
export function named<T>(all: ReadonlyMap<string, T>, name: string, look: (found: T) => Check): Check {
  const found = all.get(name);
  return found ? look(found) : check.failed(name, 'our model has nothing of that name');
}

/** Norms and values of the gradients that the parameters have. */
export function gradients(
  parameters: ReadonlyMap<string, Tensor>,
  recorded: RecordedGradients,
  normTolerance: number,
): Check[] {
  const gradientOf = new Map<string, Tensor>();
  for (const [name, { grad }] of parameters) if (grad) gradientOf.set(name, grad);
  const norms = new Map([...gradientOf].map(([name, gradient]) => [name, gradient.norm().item()]));
  const total = Math.hypot(...norms.values());
  return [
    check.within('gradient norm', check.relative([recorded.grad_norm_total], [total]), normTolerance),
    ...Object.entries(recorded.grad_norm).map(([name, norm]) =>
      named(norms, name, (found) =>
        check.within(`gradient norm ${name}`, check.relative([norm], [found]), normTolerance),
      ),
    ),
    ...Object.entries(recorded.grads).map(([name, reference]) =>
      named(gradientOf, name, (found) => check.tensor(`gradient ${name}`, reference, found, SINGLE_GRADIENT)),
    ),
  ];
}

/** What batch norms hold after training; where a statistic is recorded in part, its leading values. */
export function runningStatistics(model: Pick<nn.Module, 'stateDict'>, recorded: RecordedStatistics): Check[] {
  const state = model.stateDict();
  return Object.entries(recorded).flatMap(([module, statistics]) =>
    Object.entries(statistics).map(([name, values]) => {
      const path = `${module}.${name}`;
      const label = `after training ${path}`;
      return named(state, path, (found) =>
        typeof values === 'number'
          ? check.same(label, [values], [found.item()])
          : check.leading(label, values, found, RUNNING_STATISTIC),
      );
    }),
  );
}
