import { readFileSync } from 'node:fs';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import type { Tables } from './columns.ts';
import type { Database } from './database.ts';
import { columnTypes, migrations } from './schema.ts';

/** Any number that other programs are unlikely to use in the same database. */
const LOCK = 0x466f766561;

const fovea: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/**
 * Brings a database to the version that this program knows. Several processes may do so at once: one does, the others wait for it.
 * @throws Error for a database that a newer Fovea made
 */
export async function migrate(database: Database): Promise<void> {
  if ((await database.run((db) => versionOf(db, database))) === migrations.length) return;
  await database.transaction(async (trx) => {
    // SQLite's transactions are alone by themselves.
    if (database.kind === 'postgres') await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx);
    const types = columnTypes[database.kind];
    const run = (statement: string) => trx.executeQuery(CompiledQuery.raw(statement));
    await run(`create table if not exists fovea_schema (
      version integer not null primary key,
      fovea ${types.text} not null,
      applied_at ${types.text} not null
    )`);
    for (let version = (await versionOf(trx, database)) + 1; version <= migrations.length; version++) {
      for (const statement of migrations[version - 1](types)) await run(statement);
      const applied_at = new Date().toISOString();
      await trx.insertInto('fovea_schema').values({ version, fovea, applied_at }).execute();
    }
  });
}

async function versionOf(db: Kysely<Tables>, { kind, place }: Database): Promise<number> {
  const table =
    kind === 'sqlite'
      ? sql<{ found: number }>`select count(*) as found from sqlite_schema where name = 'fovea_schema'`
      : sql<{ found: number }>`select count(to_regclass('fovea_schema')) as found`;
  if ((await table.execute(db)).rows[0].found === 0) return 0;
  const last = await db
    .selectFrom('fovea_schema')
    .select(['version', 'fovea'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last && last.version > migrations.length) {
    throw new Error(
      `the database ${place} was made by a newer Fovea (${last.fovea}, layout ${last.version}); this is Fovea ${fovea}, which knows layouts up ` +
        `to ${migrations.length}\nUse Fovea ${last.fovea} or newer, or another workspace.`,
    );
  }
  return last?.version ?? 0;
}
