import { readFileSync } from 'node:fs';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import type { Tables } from './columns.ts';
import type { Database } from './database.ts';
import { columnTypes, type Migration, migrations } from './schema.ts';

/** Any number that other programs are unlikely to use in the same database. */
const LOCK = 0x466f766561;

const fovea: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/**
 * Brings a database to the version that this program knows. Several processes may do so at once: one does, the others wait for it.
 * @param steps all that lead from an empty database to the newest version
 * @throws Error for a database that a newer Fovea made
 */
export async function migrate(database: Database, steps: readonly Migration[] = migrations): Promise<void> {
  const versionNow = async (db: Kysely<Tables>) => {
    const { version, by } = await versionOf(db, database.kind);
    if (version > steps.length) throw newer(database.place, version, by, steps.length);
    return version;
  };
  if ((await database.read(versionNow)) === steps.length) return;
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
    for (let version = (await versionNow(trx)) + 1; version <= steps.length; version++) {
      for (const statement of steps[version - 1](types)) await run(statement);
      const applied_at = new Date().toISOString();
      await trx.insertInto('fovea_schema').values({ version, fovea, applied_at }).execute();
    }
  });
}

/** The version of a database, and the Fovea that brought it there; 0 for an empty one. */
async function versionOf(db: Kysely<Tables>, kind: Database['kind']): Promise<{ version: number; by: string }> {
  const table =
    kind === 'sqlite'
      ? sql<{ found: number }>`select count(*) as found from sqlite_schema where name = 'fovea_schema'`
      : sql<{ found: number }>`select count(to_regclass('fovea_schema')) as found`;
  const nothing = { version: 0, by: fovea };
  if ((await table.execute(db)).rows[0].found === 0) return nothing;
  const last = await db
    .selectFrom('fovea_schema')
    .select(['version', 'fovea as by'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last ?? nothing;
}

function newer(place: string, version: number, by: string, known: number): Error {
  return new Error(
    `the database ${place} was made by a newer Fovea (${by}, layout ${version}); this is Fovea ${fovea}, which knows layouts up to ${known}\n` +
      `Use Fovea ${by} or newer, or another workspace.`,
  );
}
