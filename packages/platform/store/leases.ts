import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import type { Lease } from './rows.ts';
import type { Leases } from './store.ts';

/** Leases of the rows of a table. Each is one conditional statement, which is what makes one of several win. */
export function leases(database: Database, table: 'jobs' | 'trials'): Leases {
  // The columns are the same in both tables.
  const update = (db: unknown) => (db as Kysely<{ leased: Lease & { name: string } }>).updateTable(table as 'leased');
  const changed = async (change: (db: unknown) => { executeTakeFirst(): Promise<{ numUpdatedRows: bigint }> }) =>
    (await database.run((db) => change(db).executeTakeFirst())).numUpdatedRows > 0n;
  const next = sql<number>`beat + 1`;

  return {
    claim: (name, owner) =>
      changed((db) => update(db).set({ owner, beat: next }).where('name', '=', name).where('owner', 'is', null)),

    takeOver: (name, seen, owner) =>
      changed((db) =>
        update(db)
          .set({ owner, beat: next })
          .where('name', '=', name)
          .where('owner', seen.owner === null ? 'is' : '=', seen.owner)
          .where('beat', '=', seen.beat),
      ),

    beat: (name, owner) =>
      changed((db) => update(db).set({ beat: next }).where('name', '=', name).where('owner', '=', owner)),

    beatAll: async (owner) => {
      const rows = await database.run((db) =>
        update(db).set({ beat: next }).where('owner', '=', owner).returning('name').execute(),
      );
      return rows.map(({ name }) => name);
    },

    release: (name, owner) =>
      changed((db) => update(db).set({ owner: null, beat: next }).where('name', '=', name).where('owner', '=', owner)),
  };
}
