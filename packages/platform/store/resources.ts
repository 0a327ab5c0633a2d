import { decode, encode } from './columns.ts';
import { asked, checkMost, pageOf, readPlace } from './continuation.ts';
import type { Database } from './database.ts';
import type { ResourceRow } from './rows.ts';
import type { Resources } from './store.ts';

export function createResources(database: Database): Resources {
  return {
    async add(kind, name, spec, { archived = false } = {}) {
      const now = new Date().toISOString();
      const row = await database.write((db) =>
        db
          .insertInto('resources')
          .values(encode({ kind, name, spec, archived, revision: 1, created_at: now, changed_at: now }))
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst(),
      );
      return row ? decode<ResourceRow>(row) : null;
    },

    async change(kind, name, { spec, archived }, { revision } = {}) {
      const row = await database.write((db) =>
        db
          .updateTable('resources')
          .set(encode({ spec, archived, changed_at: new Date().toISOString() }))
          .set((is) => ({ revision: is('revision', '+', 1) }))
          .where('kind', '=', kind)
          .where('name', '=', name)
          .$if(revision !== undefined, (query) => query.where('revision', '=', revision as number))
          .returningAll()
          .executeTakeFirst(),
      );
      return row ? decode<ResourceRow>(row) : null;
    },

    async find(kind, name) {
      const row = await database.read((db) =>
        db.selectFrom('resources').selectAll().where('kind', '=', kind).where('name', '=', name).executeTakeFirst(),
      );
      return row ? decode<ResourceRow>(row) : null;
    },

    async list(kind, filter = {}) {
      checkMost(filter);
      const { archived = 'active', most } = filter;
      const place = readPlace(filter, 1);
      const rows = await database.read((db) => {
        let query = db.selectFrom('resources').selectAll().where('kind', '=', kind).orderBy('sequence', 'desc');
        if (archived !== 'all') query = query.where('archived', '=', archived === 'archived' ? 1 : 0);
        if (place) query = query.where('sequence', '<', place[0]);
        if (most !== undefined) query = query.limit(asked(most));
        return query.execute();
      });
      return pageOf(
        rows.map((row) => decode<ResourceRow>(row)),
        filter,
        ({ sequence }) => [sequence],
      );
    },

    async delete(kind, name, { revision } = {}) {
      const { numDeletedRows } = await database.write((db) =>
        db
          .deleteFrom('resources')
          .where('kind', '=', kind)
          .where('name', '=', name)
          .$if(revision !== undefined, (query) => query.where('revision', '=', revision as number))
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },
  };
}
