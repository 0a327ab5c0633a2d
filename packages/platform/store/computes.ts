import { decode, encode } from './columns.ts';
import type { Database } from './database.ts';
import { type ComputeRow, ended, type SlotCounts, type SlotRow } from './rows.ts';
import type { Computes } from './store.ts';

const kinds = ['cpu', 'gpu'] as const satisfies readonly (keyof SlotCounts)[];

export function createComputes(database: Database): Computes {
  return {
    async put(compute) {
      const values = encode({ ...compute, created_at: new Date().toISOString() });
      const { created_at: _, ...changes } = values;
      const row = await database.write((db) =>
        db
          .insertInto('computes')
          .values(values)
          .onConflict((conflict) => conflict.column('name').doUpdateSet(changes))
          .returningAll()
          .executeTakeFirstOrThrow(),
      );
      return decode<ComputeRow>(row);
    },

    async find(name) {
      const row = await database.read((db) =>
        db.selectFrom('computes').selectAll().where('name', '=', name).executeTakeFirst(),
      );
      return row ? decode<ComputeRow>(row) : null;
    },

    async list() {
      const rows = await database.read((db) => db.selectFrom('computes').selectAll().orderBy('name').execute());
      return rows.map((row) => decode<ComputeRow>(row));
    },

    delete: (name) =>
      database.transaction(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('computes')
          .where('name', '=', name)
          .where(({ not, exists, selectFrom }) =>
            not(exists(selectFrom('slots').select('slots.number').whereRef('slots.compute', '=', 'computes.name'))),
          )
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),

    claim: (compute, trial, wanted) =>
      database.transaction(async (trx) => {
        const locks = database.kind === 'postgres';
        // Whoever has the row of the compute is the only one that claims.
        const has = await trx
          .selectFrom('computes')
          .select(['cpu', 'gpu'])
          .where('name', '=', compute)
          .$if(locks, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!has) throw new Error(`there is no compute ${compute}`);
        const row = await trx
          .selectFrom('trials')
          .select('status')
          .where('name', '=', trial)
          .$if(locks, (query) => query.forShare())
          .executeTakeFirst();
        if (!row) throw new Error(`there is no trial ${trial}`);
        if ((ended as readonly string[]).includes(row.status))
          throw new Error(`trial ${trial} has ended (${row.status})`);

        const held = await trx.selectFrom('slots').selectAll().where('compute', '=', compute).execute();
        const others = held.filter((slot) => slot.trial !== trial);
        const slots: SlotRow[] = [];
        for (const kind of kinds) {
          const count = wanted[kind] ?? 0;
          checkCount(compute, kind, count, has[kind]);
          const taken = new Set(others.filter((slot) => slot.kind === kind).map(({ number }) => number));
          const free = Array.from({ length: has[kind] }, (_, number) => number).filter((number) => !taken.has(number));
          if (free.length < count) return null;
          slots.push(...free.slice(0, count).map((number) => ({ compute, kind, number, trial })));
        }
        await trx.deleteFrom('slots').where('compute', '=', compute).where('trial', '=', trial).execute();
        if (slots.length > 0) await trx.insertInto('slots').values(slots).execute();
        return slots;
      }),

    async free(trial) {
      await database.write((db) => db.deleteFrom('slots').where('trial', '=', trial).execute());
    },

    held: (of) =>
      database.read((db) => {
        const query = db.selectFrom('slots').selectAll().orderBy('compute').orderBy('kind').orderBy('number');
        return (
          'compute' in of ? query.where('compute', '=', of.compute) : query.where('trial', '=', of.trial)
        ).execute();
      }),
  };
}

function checkCount(compute: string, kind: string, count: number, has: number): void {
  if (Number.isSafeInteger(count) && count >= 0 && count <= has) return;
  throw new RangeError(`compute ${compute} has ${has} ${kind} slots; a trial cannot have ${count} of them`);
}
