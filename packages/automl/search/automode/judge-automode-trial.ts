import type { TrialVerdict } from '../judge-trial.ts';
import type { SearchState, TriedTrial } from '../search-state.ts';

export function judgeAutomodeTrial(_state: SearchState, _trial: TriedTrial): TrialVerdict {
  return { end: false, because: null };
}
