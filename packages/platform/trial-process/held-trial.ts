import { isBetterEpoch, type TrialRecord } from '@fovea/automl/runs';
import { patiently } from '../patience.ts';
import type { Place } from '../place.ts';
import { SECONDS } from '../search-state.ts';
import { ended, type MetricPoint, type Status, type Store, statuses, type TrialChanges } from '../store/index.ts';
import { endAtOnce } from './end-at-once.ts';

const notEnded = statuses.filter((status) => !(ended as readonly Status[]).includes(status));

/** A trial in the store, written by the process that holds its lease. Every call ends the process at once when it does not any more. */
export class HeldTrial {
  readonly #store: Store;
  readonly #place: Place;
  readonly #primaryMetric: string;
  readonly name: string;
  readonly owner: string;
  readonly #began = performance.now();
  readonly #secondsBefore: number;
  #keptEpoch = 0;

  constructor(
    { store, place, owner }: { store: Store; place: Place; owner: string },
    trial: Pick<TrialRecord, 'name' | 'properties'>,
    primaryMetric: string,
  ) {
    this.#store = store;
    this.#place = place;
    this.#primaryMetric = primaryMetric;
    this.owner = owner;
    this.name = trial.name;
    this.#secondsBefore = Number(trial.properties[SECONDS] ?? 0);
  }

  /** Keeps what is new in the record: its settings, its evaluations, and which of them is the best. */
  async keep(record: TrialRecord): Promise<void> {
    const time = new Date().toISOString();
    const fresh = record.epochs.filter(({ epoch }) => epoch > this.#keptEpoch);
    const points = fresh.flatMap(({ epoch, metrics }) =>
      Object.entries(metrics).map(([name, value]): MetricPoint => ({ name, step: epoch, value, time })),
    );
    if (points.length > 0) await this.#must((owner) => this.#store.metrics.record(this.name, points, owner));
    await this.patch(this.#changes(record));
    this.#keptEpoch = fresh.at(-1)?.epoch ?? this.#keptEpoch;
  }

  /** Writes how the trial ended, and gives its lease and its slots back. */
  end(record: TrialRecord): Promise<void> {
    const set = {
      ...this.#changes(record),
      ended_because: record.ended_because,
      error: record.error ?? null,
      end_time: new Date().toISOString(),
    };
    return this.#must((owner) =>
      this.#store.trials.transition(this.name, { from: notEnded, to: record.status, set, release: true, ...owner }),
    );
  }

  /** Begins, or goes on after an earlier process. */
  begin(set: TrialChanges): Promise<void> {
    return this.#must((owner) =>
      this.#store.trials.transition(this.name, { from: notEnded, to: 'Running', set, ...owner }),
    );
  }

  patch(changes: TrialChanges): Promise<void> {
    return this.#must((owner) => this.#store.trials.patch(this.name, changes, owner));
  }

  async #must(write: (owner: { owner: string }) => Promise<boolean>): Promise<void> {
    const held = await patiently(this.#place, () => write({ owner: this.owner }));
    if (!held) endAtOnce();
  }

  #changes(record: TrialRecord): TrialChanges {
    const best = record.epochs.reduce<TrialRecord['epochs'][number] | null>(
      (best, one) => (isBetterEpoch(one.metrics, best?.metrics ?? null, this.#primaryMetric) ? one : best),
      null,
    );
    const seconds = this.#secondsBefore + (performance.now() - this.#began) / 1000;
    return {
      model_name: record.model_name,
      hyperparameters: record.hyperparameters,
      best_epoch: best?.epoch ?? null,
      metrics: best?.metrics ?? {},
      properties: { ...record.properties, [SECONDS]: seconds.toFixed(2) },
    };
  }
}
