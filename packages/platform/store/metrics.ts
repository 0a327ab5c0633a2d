import type { Database } from './database.ts';
import type { MetricPoint } from './rows.ts';
import type { Metrics } from './store.ts';

/** Points in one statement, at most: databases bound the number of its parameters. */
const mostPoints = 1000;

export function createMetrics(database: Database): Metrics {
  return {
    async record(trial, points, { owner } = {}) {
      for (const { name, step } of points) {
        if (!Number.isSafeInteger(step)) throw new RangeError(`step ${step} of ${name} is not a whole number`);
      }
      return database.transaction(async (trx) => {
        const row = await trx
          .selectFrom('trials')
          .select('owner')
          .where('name', '=', trial)
          .$if(database.kind === 'postgres', (query) => query.forShare())
          .executeTakeFirst();
        if (!row) throw new Error(`there is no trial ${trial} that metrics could be recorded of`);
        if (owner !== undefined && row.owner !== owner) return false;
        for (let begin = 0; begin < points.length; begin += mostPoints) {
          await trx
            .insertInto('metrics')
            .values(
              points.slice(begin, begin + mostPoints).map(({ name, step, value, time }) => ({
                trial,
                name,
                step,
                value: Number.isNaN(value) ? null : value,
                time,
              })),
            )
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        return true;
      });
    },

    async ofTrial(trial, { name, from, to } = {}) {
      const rows = await database.read((db) => {
        let query = db.selectFrom('metrics').select(['name', 'step', 'value', 'time']).where('trial', '=', trial);
        if (name !== undefined) query = query.where('name', '=', name);
        if (from !== undefined) query = query.where('step', '>=', from);
        if (to !== undefined) query = query.where('step', '<=', to);
        return query.orderBy('step').orderBy('name').execute();
      });
      return rows.map(asPoint);
    },

    async ofJob(job, name) {
      const rows = await database.read((db) => {
        const ofTrials = db.selectFrom('trials').where('trials.job', '=', job);
        const joined =
          database.kind === 'sqlite'
            ? ofTrials.innerJoin('metrics as point', 'point.trial', 'trials.name').where('point.name', '=', name)
            : // The offset keeps PostgreSQL from reading all points of all jobs, which it thinks would be faster for large jobs.
              ofTrials.innerJoinLateral(
                (is) =>
                  is
                    .selectFrom('metrics')
                    .selectAll()
                    .whereRef('metrics.trial', '=', 'trials.name')
                    .where('metrics.name', '=', name)
                    .offset(0)
                    .as('point'),
                (join) => join.onTrue(),
              );
        return joined
          .select(['point.trial', 'trials.number', 'point.name', 'point.step', 'point.value', 'point.time'])
          .orderBy('trials.number')
          .orderBy('point.step')
          .execute();
      });
      return rows.map(asPoint);
    },

    async names(trial) {
      const rows = await database.read((db) =>
        db.selectFrom('metrics').select('name').distinct().where('trial', '=', trial).orderBy('name').execute(),
      );
      return rows.map(({ name }) => name);
    },
  };
}

/** A row that was read, made a point in place: there may be many. Null is how a database that has no NaN keeps it. */
function asPoint<Row extends { value: number | null }>(row: Row): Row & Pick<MetricPoint, 'value'> {
  row.value ??= Number.NaN;
  return row as Row & Pick<MetricPoint, 'value'>;
}
