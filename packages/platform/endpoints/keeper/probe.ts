import type { ProbeSpec } from '../online/online-spec.ts';

/** How a probe stands. Moments are milliseconds of a monotonic clock. */
export interface ProbeState {
  /** What the last answers add up to. */
  readonly passing: boolean;
  /** Answers, one after the other, that say something else than `passing`. */
  readonly against: number;
  /** When to ask next. */
  readonly due: number;
}

/** @param passing what holds until enough answers say otherwise: an instance lives, and is not ready */
export const firstProbe = (spec: ProbeSpec, passing: boolean, now: number): ProbeState => ({
  ...{ passing, against: 0 },
  due: now + seconds(spec.initial_delay),
});

/** The instance said by itself that it is ready: there is nothing to wait for. */
export const probeEarly = (state: ProbeState, now: number): ProbeState => ({
  ...state,
  due: Math.min(state.due, now),
});

/** The rules have changed: a shorter period holds from now on. */
export const probeBy = (spec: ProbeSpec, state: ProbeState, now: number): ProbeState =>
  probeEarly(state, now + seconds(spec.period));

/**
 * Thresholds count answers one after the other, and the period is from one question to the next, as Kubernetes has it.
 * @param passed what was answered. @param asked when
 */
export function afterProbe(spec: ProbeSpec, state: ProbeState, passed: boolean, asked: number): ProbeState {
  const due = asked + seconds(spec.period);
  if (passed === state.passing) return { passing: passed, against: 0, due };
  const against = state.against + 1;
  const needed = passed ? spec.success_threshold : spec.failure_threshold;
  return against >= needed ? { passing: passed, against: 0, due } : { passing: state.passing, against, due };
}

const seconds = (count: number) => count * 1000;
