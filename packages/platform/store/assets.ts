import { type Kysely, sql } from 'kysely';
import { decode, encode, type Stored, type Tables } from './columns.ts';
import { asked, checkMost, pageOf, readPlace } from './continuation.ts';
import type { Database } from './database.ts';
import { NameTaken } from './errors.ts';
import type { AssetKind, AssetRow } from './rows.ts';
import type { AssetFilter, Assets } from './store.ts';

type StoredAsset = Stored<Omit<AssetRow, 'labels'>>;

export function createAssets(database: Database): Assets {
  return {
    add: (asset) =>
      database.transaction(async (trx) => {
        const { kind, name, labels = [], version, ...given } = asset;
        const values = {
          description: null,
          content_hash: null,
          tags: {},
          properties: {},
          job: null,
          data: [],
          ...given,
          kind,
          name,
          archived: false,
          created_at: new Date().toISOString(),
        };
        for (;;) {
          const added = await trx
            .insertInto('assets')
            .values(encode({ ...values, version: version ?? (await nextVersion(trx, kind, name)) }))
            .onConflict((conflict) => conflict.doNothing())
            .returningAll()
            .executeTakeFirst();
          if (added) {
            for (const label of labels) await putLabel(trx, kind, name, added.version, label);
            return withLabels(added, [...new Set(labels)].sort());
          }
          if (version !== undefined)
            throw new NameTaken(kind === 'data' ? 'data asset' : kind, `${name}, version ${version}`);
        }
      }),

    async find(kind, name, version) {
      return database.read(async (db) => {
        let query = db.selectFrom('assets').selectAll('assets').where('kind', '=', kind).where('name', '=', name);
        if (version === '@latest') {
          query = query.where('archived', '=', 0).orderBy('sequence', 'desc').limit(1);
        } else if (version.startsWith('@')) {
          query = query.where('version', '=', (is) =>
            is
              .selectFrom('asset_labels')
              .select('asset_labels.version')
              .where('kind', '=', kind)
              .where('name', '=', name)
              .where('label', '=', version.slice(1)),
          );
        } else {
          query = query.where('version', '=', version);
        }
        const row = await query.executeTakeFirst();
        return row ? (await allWithLabels(db, [row]))[0] : null;
      });
    },

    async list(filter = {}) {
      checkMost(filter);
      return database.read(async (db) => {
        const page = pageOf(await listQuery(db, filter).execute(), filter, ({ sequence }) => [sequence]);
        return { ...page, rows: await allWithLabels(db, page.rows) };
      });
    },

    async patch(kind, name, version, changes) {
      // There must be something to set.
      const { numUpdatedRows } = await database.write((db) =>
        db
          .updateTable('assets')
          .set({ ...encode(changes), archived: sql<number>`archived` })
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('version', '=', version)
          .executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },

    label: (kind, name, version, label) =>
      database.transaction(async (trx) => {
        const asset = await trx
          .selectFrom('assets')
          .select('version')
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('version', '=', version)
          .executeTakeFirst();
        if (!asset) return false;
        await putLabel(trx, kind, name, version, label);
        return true;
      }),

    async removeLabel(kind, name, label) {
      const { numDeletedRows } = await database.write((db) =>
        db
          .deleteFrom('asset_labels')
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('label', '=', label)
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },

    async delete(kind, name, version) {
      const { numDeletedRows } = await database.write((db) =>
        db
          .deleteFrom('assets')
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('version', '=', version)
          .executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },

    async setArchived(kind, name, version, archived) {
      const { numUpdatedRows } = await database.write((db) =>
        db
          .updateTable('assets')
          .set(encode({ archived }))
          .where('kind', '=', kind)
          .where('name', '=', name)
          .$if(version !== null, (query) => query.where('version', '=', version as string))
          .executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },
  };
}

function listQuery(db: Kysely<Tables>, filter: AssetFilter) {
  const { kind, name, archived = 'active', contentHash, most } = filter;
  const place = readPlace(filter, 1);
  let query = db.selectFrom('assets').selectAll('assets').orderBy('sequence', 'desc');
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (name !== undefined) query = query.where('name', '=', name);
  if (contentHash !== undefined) query = query.where('content_hash', '=', contentHash);
  if (archived !== 'all') query = query.where('archived', '=', archived === 'archived' ? 1 : 0);
  if (name === undefined && contentHash === undefined) {
    query = query.where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('assets as newer')
            .select('newer.sequence')
            .whereRef('newer.kind', '=', 'assets.kind')
            .whereRef('newer.name', '=', 'assets.name')
            .whereRef('newer.sequence', '>', 'assets.sequence')
            .$if(archived !== 'all', (newer) => newer.whereRef('newer.archived', '=', 'assets.archived')),
        ),
      ),
    );
  }
  if (place) query = query.where('sequence', '<', place[0]);
  if (most !== undefined) query = query.limit(asked(most));
  return query;
}

/** The next whole number, from 1. */
async function nextVersion(db: Kysely<Tables>, kind: AssetKind, name: string): Promise<string> {
  const rows = await db
    .selectFrom('assets')
    .select('version')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .execute();
  const numbers = rows.map(({ version }) => (/^\d{1,15}$/.test(version) ? Number(version) : 0));
  return String(numbers.reduce((most, number) => Math.max(most, number), 0) + 1);
}

async function putLabel(db: Kysely<Tables>, kind: string, name: string, version: string, label: string): Promise<void> {
  await db
    .insertInto('asset_labels')
    .values({ kind, name, label, version })
    .onConflict((conflict) => conflict.columns(['kind', 'name', 'label']).doUpdateSet({ version }))
    .execute();
}

async function allWithLabels(db: Kysely<Tables>, rows: readonly StoredAsset[]): Promise<AssetRow[]> {
  const names = [...new Set(rows.map(({ name }) => name))];
  const labels = new Map<string, string[]>();
  const key = (...parts: string[]) => JSON.stringify(parts);
  for (let begin = 0; begin < names.length; begin += 1000) {
    const found = await db
      .selectFrom('asset_labels')
      .selectAll()
      .where('name', 'in', names.slice(begin, begin + 1000))
      .orderBy('label')
      .execute();
    for (const { kind, name, version, label } of found) {
      const of = key(kind, name, version);
      labels.set(of, [...(labels.get(of) ?? []), label]);
    }
  }
  return rows.map((row) => withLabels(row, labels.get(key(row.kind, row.name, row.version)) ?? []));
}

const withLabels = (row: StoredAsset, labels: string[]): AssetRow => ({
  ...decode<Omit<AssetRow, 'labels'>>(row),
  labels,
});
