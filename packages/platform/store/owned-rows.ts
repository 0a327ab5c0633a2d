import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import type { Lease } from './rows.ts';
import type { IfOwned } from './store.ts';

/** Tables whose rows processes hold by leases. */
export type OwnedTable = 'jobs' | 'trials';

/** The columns that all these tables have. */
interface OwnedRows {
  owned: Lease & { name: string };
}

/** Begins a change of a row, in a table of which only its name and lease matter. */
export const updateOwned = (db: unknown, table: OwnedTable) => (db as Kysely<OwnedRows>).updateTable(table as 'owned');

/** One beat more. Whoever saw the lease before sees that it changed. */
export const nextBeat = sql<number>`beat + 1`;

/** What giving a lease up writes. */
export const released = { owner: null, beat: nextBeat };

/** @param values columns as they are stored; without any, the row is only looked for. @returns whether it was there, and owned where that is asked for */
export async function patchOwned(
  database: Database,
  table: OwnedTable,
  name: string,
  values: object,
  { owner }: IfOwned,
): Promise<boolean> {
  const { numUpdatedRows } = await database.write((db) =>
    updateOwned(db, table)
      .set({ ...values, beat: sql<number>`beat` })
      .where('name', '=', name)
      .$if(owner !== undefined, (query) => query.where('owner', '=', owner as string))
      .executeTakeFirst(),
  );
  return numUpdatedRows > 0n;
}
