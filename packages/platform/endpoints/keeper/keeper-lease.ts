import type { Place } from '../../place.ts';
import { LeaseWatch, type ResourceRow, type Store } from '../../store/index.ts';

const kind = 'online-keeper';

/** Between two beats, in milliseconds. */
export const beatMilliseconds = 2000;

/** Who has the right to serve a workspace folder. */
export interface LeaseHolder {
  /** `processToken`; null: nobody. */
  readonly owner: string | null;
  /** A server keeps it, at an address that people chose. */
  readonly isKept: boolean;
}

/**
 * The right to serve the deployments of a workspace folder: one process has it. It is a row, each change of which is a beat; who sees none for
 * ten seconds takes the row, if nobody else was faster.
 */
export class KeeperLease {
  readonly #store: Store;
  readonly #name: string;
  readonly #self: () => LeaseHolder;
  readonly #watch: LeaseWatch;
  /** That our last beat left; null while another has the row. */
  #revision: number | null = null;
  #holder: LeaseHolder | null = null;
  #beating: Promise<boolean> | null = null;

  /** @param self this process, with the same owner always */
  constructor(place: Pick<Place, 'id'>, store: Store, self: () => LeaseHolder, watch = new LeaseWatch()) {
    this.#name = place.id;
    this.#store = store;
    this.#self = self;
    this.#watch = watch;
  }

  /** Who had it when it could not be taken. */
  get holder(): LeaseHolder | null {
    return this.#holder;
  }

  /** Takes it if nobody has it. Call it every second at least. */
  async take(): Promise<boolean> {
    const { resources } = this.#store;
    const row = await resources.find(kind, this.#name);
    if (row === null) return this.#got(await resources.add(kind, this.#name, this.#self()));
    this.#holder = row.spec as LeaseHolder;
    if (!this.#watch.lapsed(kind, { owner: this.#holder.owner, beat: row.revision })) return false;
    return this.#got(await this.#write(row.revision));
  }

  /** Says that this process lives. @returns false when it does not have the right any more */
  beat(): Promise<boolean> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async release(): Promise<void> {
    await this.#beating?.catch(() => {});
    const revision = this.#revision;
    if (revision === null) return;
    this.#revision = null;
    const spec: LeaseHolder = { owner: null, isKept: false };
    await this.#store.resources.change(kind, this.#name, { spec }, { revision });
  }

  async #beat(): Promise<boolean> {
    if (this.#revision === null) return false;
    const written = await this.#write(this.#revision);
    if (written) return this.#got(written);
    // A beat of which nobody knew whether it came through may have.
    const row = await this.#store.resources.find(kind, this.#name);
    const isOurs = (row?.spec as LeaseHolder | undefined)?.owner === this.#self().owner;
    return this.#got(isOurs ? row : null);
  }

  #write(revision: number): Promise<ResourceRow | null> {
    return this.#store.resources.change(kind, this.#name, { spec: this.#self() }, { revision });
  }

  #got(row: ResourceRow | null): boolean {
    this.#revision = row?.revision ?? null;
    return row !== null;
  }
}
