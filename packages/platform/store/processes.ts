import type { Database } from './database.ts';
import { nextBeat } from './owned-rows.ts';
import type { Processes } from './store.ts';

export function createProcesses(database: Database): Processes {
  return {
    async add({ owner, kind, host, pid }) {
      const started_at = new Date().toISOString();
      await database.write((db) =>
        db.insertInto('processes').values({ owner, kind, host, pid, started_at, beat: 0 }).execute(),
      );
    },

    async beat(owner) {
      const { numUpdatedRows } = await database.write((db) =>
        db.updateTable('processes').set({ beat: nextBeat }).where('owner', '=', owner).executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },

    async remove(owner) {
      const { numDeletedRows } = await database.write((db) =>
        db.deleteFrom('processes').where('owner', '=', owner).executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },

    list: (kind) =>
      database.read((db) =>
        db
          .selectFrom('processes')
          .selectAll()
          .$if(kind !== undefined, (query) => query.where('kind', '=', kind as string))
          .orderBy('started_at')
          .orderBy('owner')
          .execute(),
      ),
  };
}
