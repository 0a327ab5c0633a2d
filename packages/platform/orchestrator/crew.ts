import type { Machine } from '../compute/local-machine.ts';
import type { Place } from '../place.ts';
import type { LeaseWatch, Store } from '../store/index.ts';
import type { SpareProcess } from './spare-process.ts';
import type { StartedProcess } from './start-process.ts';

/** What a look at a job leaves for the next one; times are those of the monotonic clock, in milliseconds. */
export interface SeenJob {
  looked: number;
  /** Seconds that it was worked on, and that are not in the store yet. */
  unwritten: number;
  /** Trials that have ended. */
  ended: number;
  /** Trials, and when the last of them was chosen. */
  trials: number;
  begun: number;
  saidThatItWaits: boolean;
}

/** What an orchestrator works with. */
export interface Crew {
  readonly place: Place;
  readonly store: Store;
  readonly machine: Machine;
  /** Row of the machine among the computes. */
  readonly compute: string;
  /** Token of this process. */
  readonly owner: string;
  readonly leases: LeaseWatch;
  readonly spare: SpareProcess;
  /** Processes that this one started, by trial. */
  readonly started: Map<string, StartedProcess>;
  /** The job whose models are timed by a process of ours; nothing else runs meanwhile. */
  measuring: { job: string; process: StartedProcess; deaths: number } | null;
  /** What was seen of the jobs that this process works on; nothing is lost with it but a second of their time. */
  readonly seen: Map<string, SeenJob>;
  /** Called when there is something to see before the next look is due. */
  readonly wake: () => void;
  /** Writes a line into the orchestrator's log. */
  readonly say: (line: string) => void;
}
