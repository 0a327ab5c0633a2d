/** How long training goes on without an improvement. */
export interface Patience {
  /** Evaluations that may pass without an improvement. */
  patience: number;
  /** Evaluations at the start that are not counted. */
  delay: number;
}

/** What an early stopper remembers; plain data, for checkpoints. */
export interface StopperState {
  evaluations: number;
  best: number | null;
  withoutImprovement: number;
}

/** A stopper that has seen nothing yet. */
export const freshStopper = (): StopperState => ({ evaluations: 0, best: null, withoutImprovement: 0 });

/**
 * One evaluation of a metric that is maximised. The first `delay` evaluations never count against training; after them, each
 * that is not strictly better than the best so far does, and training stops at `patience` of them in a row.
 */
export function observe(
  state: StopperState,
  value: number,
  { patience, delay }: Patience,
): { state: StopperState; improved: boolean; stop: boolean } {
  const evaluations = state.evaluations + 1;
  const improved = state.best === null || value > state.best;
  const counted = !improved && evaluations > delay;
  const withoutImprovement = improved ? 0 : state.withoutImprovement + (counted ? 1 : 0);
  return {
    state: { evaluations, best: improved ? value : state.best, withoutImprovement },
    improved,
    stop: withoutImprovement >= patience,
  };
}
