import type { Database } from './database.ts';
import { nextBeat, type OwnedTable, released, updateOwned } from './owned-rows.ts';
import type { Leases } from './store.ts';

/** Leases of the rows of a table. Each is one conditional statement, which is what makes one of several win. */
export function leases(database: Database, table: OwnedTable): Leases {
  const update = (db: unknown) => updateOwned(db, table);
  const changed = async (change: (db: unknown) => { executeTakeFirst(): Promise<{ numUpdatedRows: bigint }> }) =>
    (await database.write((db) => change(db).executeTakeFirst())).numUpdatedRows > 0n;

  return {
    claim: (name, owner) =>
      changed((db) => update(db).set({ owner, beat: nextBeat }).where('name', '=', name).where('owner', 'is', null)),

    takeOver: (name, seen, owner) =>
      changed((db) =>
        update(db)
          .set({ owner, beat: nextBeat })
          .where('name', '=', name)
          .where('owner', seen.owner === null ? 'is' : '=', seen.owner)
          .where('beat', '=', seen.beat),
      ),

    beat: (name, owner) =>
      changed((db) => update(db).set({ beat: nextBeat }).where('name', '=', name).where('owner', '=', owner)),

    beatAll: async (owner) => {
      const rows = await database.write((db) =>
        update(db).set({ beat: nextBeat }).where('owner', '=', owner).returning('name').execute(),
      );
      return rows.map(({ name }) => name);
    },

    handOver: (name, from, to) =>
      changed((db) => update(db).set({ owner: to, beat: nextBeat }).where('name', '=', name).where('owner', '=', from)),

    release: (name, owner) =>
      changed((db) => update(db).set(released).where('name', '=', name).where('owner', '=', owner)),
  };
}
