import { type Kysely, sql } from 'kysely';
import { decode, encode, type Tables } from './columns.ts';
import { asked, checkMost, pageOf, readPlace } from './continuation.ts';
import type { Database } from './database.ts';
import { NameTaken } from './errors.ts';
import { leases } from './leases.ts';
import { patchOwned, released } from './owned-rows.ts';
import { ended, type JobListRow, type JobRow, statuses } from './rows.ts';
import type { JobFilter, Jobs } from './store.ts';
import { isUniqueViolation } from './unavailable.ts';

const listed = [
  'sequence',
  'name',
  'type',
  'task',
  'status',
  'archived',
  'owner',
  'beat',
  'display_name',
  'experiment_name',
  'compute',
  'created_at',
  'start_time',
  'end_time',
  'seconds_used',
  'primary_metric',
  'best_trial',
  'description',
  'tags',
  'properties',
  'error',
] as const satisfies readonly (keyof JobListRow)[];

const notEnded = statuses.filter((status) => !(ended as readonly string[]).includes(status));

export function createJobs(database: Database): Jobs {
  return {
    ...leases(database, 'jobs'),

    async find(name) {
      const row = await database.read((db) =>
        db.selectFrom('jobs').selectAll().where('name', '=', name).executeTakeFirst(),
      );
      return row ? decode<JobRow>(row) : null;
    },

    async add(job) {
      const values = encode({
        task: null,
        status: 'NotStarted' as const,
        owner: null,
        description: null,
        compute: null,
        tags: {},
        properties: {},
        primary_metric: null,
        ...job,
        beat: 0,
        archived: false,
        created_at: new Date().toISOString(),
        seconds_used: 0,
      });
      try {
        const row = await database.write((db) =>
          db.insertInto('jobs').values(values).returningAll().executeTakeFirstOrThrow(),
        );
        return decode<JobRow>(row);
      } catch (error) {
        throw isUniqueViolation(error) ? new NameTaken('job', job.name) : error;
      }
    },

    async list(filter = {}) {
      checkMost(filter);
      const rows = await database.read((db) => listQuery(db, filter, database.kind).execute());
      return pageOf(
        rows.map((row) => decode<JobListRow>(row)),
        filter,
        ({ sequence }) => [sequence],
      );
    },

    async unfinished() {
      const rows = await database.read((db) =>
        db.selectFrom('jobs').selectAll().where('status', 'in', notEnded).orderBy('sequence').execute(),
      );
      return rows.map((row) => decode<JobRow>(row));
    },

    patch: (name, changes, condition = {}) => patchOwned(database, 'jobs', name, encode(changes), condition),

    async transition(name, { from, to, owner, set = {}, release = false }) {
      const { numUpdatedRows } = await database.write((db) =>
        db
          .updateTable('jobs')
          .set({ ...encode(set), status: to, ...(release ? released : {}) })
          .where('name', '=', name)
          .where('status', 'in', from)
          .$if(owner !== undefined, (query) => query.where('owner', '=', owner as string))
          .executeTakeFirst(),
      );
      return numUpdatedRows > 0n;
    },

    async delete(name) {
      const { numDeletedRows } = await database.write((db) =>
        db.deleteFrom('jobs').where('name', '=', name).where('status', 'in', ended).executeTakeFirst(),
      );
      return numDeletedRows > 0n;
    },
  };
}

function listQuery(db: Kysely<Tables>, filter: JobFilter, databaseKind: Database['kind']) {
  const { archived = 'active', status, experiment, type, tag, most } = filter;
  const place = readPlace(filter, 1);
  let query = db.selectFrom('jobs').select(listed).orderBy('sequence', 'desc');
  if (archived !== 'all') query = query.where('archived', '=', archived === 'archived' ? 1 : 0);
  if (status) query = query.where('status', 'in', status);
  if (experiment !== undefined) query = query.where('experiment_name', '=', experiment);
  if (type !== undefined) query = query.where('type', '=', type);
  if (tag) {
    const { key, value } = tag;
    const found =
      databaseKind === 'sqlite'
        ? sql`(select value from json_each(jobs.tags) where key = ${key})`
        : sql`tags::json ->> ${key}`;
    query = query.where(value === undefined ? sql<boolean>`${found} is not null` : sql<boolean>`${found} = ${value}`);
  }
  if (place) query = query.where('sequence', '<', place[0]);
  if (most !== undefined) query = query.limit(asked(most));
  return query;
}
