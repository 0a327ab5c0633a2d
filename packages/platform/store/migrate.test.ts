import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { type FreshDatabase, onBothDatabases } from '../fixtures/both-databases.ts';
import { newJob } from '../fixtures/rows.ts';
import { connect, type Database } from './database.ts';
import { migrate } from './migrate.ts';
import { type Migration, migrations } from './schema.ts';

/** Works on the database past the store, as another version of Fovea would. */
async function directly(database: FreshDatabase, work: (database: Database) => Promise<void>): Promise<void> {
  const { folder, database: address } = database.address;
  const direct = connect({ folder, ...(address === undefined ? {} : { address }) });
  try {
    await work(direct);
  } finally {
    await direct.close();
  }
}

const run = (database: Database, statement: string) => database.write((db) => sql.raw(statement).execute(db));

const later: Migration = ({ text }) => [
  `alter table jobs add column colour ${text}`,
  "update jobs set colour = 'amber'",
];

onBothDatabases('a new version changes the tables once and keeps what is in them', async (fresh) => {
  const store = await fresh.open();
  await store.jobs.add(newJob('lynx'));
  await directly(fresh, async (database) => {
    await migrate(database, [...migrations, later]);
    await migrate(database, [...migrations, later]);
    const { rows } = (await run(database, 'select name, colour from jobs')) as { rows: unknown[] };
    assert.deepEqual(rows, [{ name: 'lynx', colour: 'amber' }]);
  });
});

onBothDatabases('a database that a newer Fovea made is refused, and left as it is', async (fresh) => {
  const store = await fresh.open();
  await store.jobs.add(newJob('lynx'));
  await directly(fresh, (database) => migrate(database, [...migrations, later]));
  await assert.rejects(fresh.open(), ({ message }: Error) => {
    const known = migrations.length;
    assert.match(message, /^the database \S+ was made by a newer Fovea \(\d+\.\d+\.\d+, layout \d+\); this is Fovea /);
    assert.ok(message.includes(`layout ${known + 1})`), message);
    assert.ok(message.includes(`knows layouts up to ${known}\n`), message);
    assert.match(message, /\nUse Fovea \S+ or newer, or another workspace\.$/);
    return true;
  });
});

onBothDatabases('a step that fails changes nothing', async (fresh) => {
  await (await fresh.open()).jobs.add(newJob('lynx'));
  await directly(fresh, async (database) => {
    const broken: Migration = (types) => [...later(types), 'alter table nowhere add column colour text'];
    await assert.rejects(migrate(database, [...migrations, broken]), /nowhere/);
    await assert.rejects(run(database, 'select colour from jobs'), /colour/);
  });
  assert.equal((await (await fresh.open()).jobs.list()).rows.length, 1);
});
