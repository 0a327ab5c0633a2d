import { decode, encode } from './columns.ts';
import { asked, checkMost, pageOf, readPlace } from './continuation.ts';
import type { Database } from './database.ts';
import { NameTaken } from './errors.ts';
import { leases } from './leases.ts';
import { patchOwned, released } from './owned-rows.ts';
import { ended, type TrialRow } from './rows.ts';
import type { Trials } from './store.ts';

/** Names in one statement, at most: databases bound the number of its parameters. */
const mostNames = 1000;

export function createTrials(database: Database): Trials {
  return {
    ...leases(database, 'trials'),

    async find(name) {
      const row = await database.read((db) =>
        db.selectFrom('trials').selectAll().where('name', '=', name).executeTakeFirst(),
      );
      return row ? decode<TrialRow>(row) : null;
    },

    async add(trial, { jobOwner } = {}) {
      const { name, job, number } = trial;
      const values = encode({
        status: 'NotStarted' as const,
        owner: null,
        attempts: 0,
        hyperparameters: {},
        properties: {},
        ...trial,
        metrics: {},
        beat: 0,
        created_at: new Date().toISOString(),
      });
      return database.transaction(async (trx) => {
        const parent = await trx
          .selectFrom('jobs')
          .select('owner')
          .where('name', '=', job)
          .$if(database.kind === 'postgres', (query) => query.forShare())
          .executeTakeFirst();
        if (!parent) throw new Error(`there is no job ${job} that ${name} could be a trial of`);
        if (jobOwner !== undefined && parent.owner !== jobOwner) return false;
        const { numInsertedOrUpdatedRows = 0n } = await trx
          .insertInto('trials')
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows > 0n) return true;
        const sameNumber = await trx
          .selectFrom('trials')
          .select('name')
          .where('job', '=', job)
          .where('number', '=', number)
          .executeTakeFirst();
        if (!sameNumber) throw new NameTaken('trial', name);
        return false;
      });
    },

    async findAll(names) {
      const rows: TrialRow[] = [];
      for (let begin = 0; begin < names.length; begin += mostNames) {
        const part = names.slice(begin, begin + mostNames);
        const found = await database.read((db) =>
          db.selectFrom('trials').selectAll().where('name', 'in', part).execute(),
        );
        rows.push(...found.map((row) => decode<TrialRow>(row)));
      }
      return rows;
    },

    async ofJob(job) {
      const rows = await database.read((db) =>
        db.selectFrom('trials').selectAll().where('job', '=', job).orderBy('number').execute(),
      );
      return rows.map((row) => decode<TrialRow>(row));
    },

    async list(filter = {}) {
      checkMost(filter);
      const { job, status, most } = filter;
      const place = readPlace(filter, 2);
      const rows = await database.read((db) => {
        let query = db
          .selectFrom('jobs')
          .innerJoin('trials', 'trials.job', 'jobs.name')
          .selectAll('trials')
          .select('jobs.sequence')
          .orderBy('jobs.sequence', 'desc')
          .orderBy('trials.number');
        if (job !== undefined) query = query.where('jobs.name', '=', job);
        if (status) query = query.where('trials.status', 'in', status);
        if (place) {
          const [sequence, number] = place;
          query = query
            .where('jobs.sequence', '<=', sequence)
            .where((is) => is.or([is('jobs.sequence', '<', sequence), is('trials.number', '>', number)]));
        }
        if (most !== undefined) query = query.limit(asked(most));
        return query.execute();
      });
      const page = pageOf(rows, filter, ({ sequence, number }) => [sequence, number]);
      return { ...page, rows: page.rows.map(({ sequence: _, ...row }) => decode<TrialRow>(row)) };
    },

    patch: (name, changes, condition = {}) => patchOwned(database, 'trials', name, encode(changes), condition),

    async transition(name, { from, to, owner, set = {}, release = false }) {
      const values = {
        ...encode(set),
        status: to,
        ...(release ? released : {}),
      };
      return database.transaction(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('trials')
          .set(values)
          .where('name', '=', name)
          .where('status', 'in', from)
          .$if(owner !== undefined, (query) => query.where('owner', '=', owner as string))
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        if ((ended as readonly string[]).includes(to)) {
          await trx.deleteFrom('slots').where('trial', '=', name).execute();
        }
        return true;
      });
    },
  };
}
