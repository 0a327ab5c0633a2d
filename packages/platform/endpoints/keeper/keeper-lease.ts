import type { Place } from '../../place.ts';
import { LeaseWatch, type ResourceRow, type Store } from '../../store/index.ts';

const kind = 'online-keeper';

/** Beats are to come more often than this, in milliseconds. */
export const beatMilliseconds = 2000;

/**
 * The right to serve the deployments of a workspace folder: one process has it. It is a row, each change of which is a beat; who sees none for
 * ten seconds takes the row, if nobody else was faster. One that finds that it does not have it any more ends.
 */
export class KeeperLease {
  readonly #store: Store;
  readonly #place: Pick<Place, 'id'>;
  readonly #owner: string;
  readonly #watch: LeaseWatch;
  /** That our last beat left; null while another has the row. */
  #revision: number | null = null;

  /** @param owner `processToken` of this process */
  constructor(place: Pick<Place, 'id'>, store: Store, owner: string, watch = new LeaseWatch()) {
    this.#place = place;
    this.#store = store;
    this.#owner = owner;
    this.#watch = watch;
  }

  /** Takes it if nobody has it. Call it every second at least. */
  async take(): Promise<boolean> {
    const { resources } = this.#store;
    const row = await resources.find(kind, this.#place.id);
    if (row === null) return this.#got(await resources.add(kind, this.#place.id, { owner: this.#owner }));
    const { owner } = row.spec as { owner: string | null };
    if (!this.#watch.lapsed(kind, { owner, beat: row.revision })) return false;
    return this.#write(this.#owner, row.revision);
  }

  /** Says that this process lives. @returns false when it does not have the right any more */
  async beat(): Promise<boolean> {
    return this.#revision !== null && this.#write(this.#owner, this.#revision);
  }

  async release(): Promise<void> {
    const revision = this.#revision;
    if (revision === null) return;
    this.#revision = null;
    await this.#store.resources.change(kind, this.#place.id, { spec: { owner: null } }, { revision });
  }

  async #write(owner: string, revision: number): Promise<boolean> {
    return this.#got(await this.#store.resources.change(kind, this.#place.id, { spec: { owner } }, { revision }));
  }

  #got(row: ResourceRow | null): boolean {
    this.#revision = row?.revision ?? null;
    return row !== null;
  }
}
