/** Words for column types in which the two databases differ. */
export interface ColumnTypes {
  text: string;
  integer: string;
  real: string;
  /** A column that counts rows in the order in which they were added. */
  counted: string;
  /** Behind the closing parenthesis of a table that is only ever asked by its primary key. */
  byKey: string;
}

export const columnTypes: Record<'sqlite' | 'postgres', ColumnTypes> = {
  sqlite: {
    text: 'text',
    integer: 'integer',
    real: 'real',
    counted: 'integer primary key autoincrement',
    byKey: ' without rowid',
  },
  // "C": texts sort by their bytes, as in SQLite.
  postgres: {
    text: 'text collate "C"',
    integer: 'bigint',
    real: 'double precision',
    counted: 'bigint generated always as identity primary key',
    byKey: '',
  },
};

/** The statements of one step, in the words of a database. */
export type Migration = (types: ColumnTypes) => readonly string[];

/**
 * Statements that bring a database from each version to the next; the version of a database is the number of those that ran. What was
 * published is never changed: changes are new entries at the end.
 */
export const migrations: readonly Migration[] = [
  // What lists show stands before what may be long, so that a list need not read over it.
  ({ text, integer, real, counted, byKey }) => [
    `create table jobs (
      sequence ${counted},
      name ${text} not null unique,
      type ${text} not null,
      task ${text},
      status ${text} not null,
      archived integer not null,
      owner ${text},
      beat ${integer} not null,
      display_name ${text} not null,
      experiment_name ${text} not null,
      compute ${text},
      created_at ${text} not null,
      start_time ${text},
      end_time ${text},
      seconds_used ${real} not null,
      primary_metric ${text},
      best_trial ${text},
      description ${text},
      tags ${text} not null,
      properties ${text} not null,
      error ${text},
      setting ${text} not null,
      spec ${text} not null,
      measured ${text}
    )`,
    'create index jobs_status on jobs (status)',
    'create index jobs_experiment on jobs (experiment_name, sequence)',
    'create index jobs_owner on jobs (owner) where owner is not null',

    `create table trials (
      name ${text} not null primary key,
      job ${text} not null references jobs (name) on delete cascade,
      number ${integer} not null,
      status ${text} not null,
      owner ${text},
      beat ${integer} not null,
      attempts ${integer} not null,
      device ${text},
      created_at ${text} not null,
      start_time ${text},
      end_time ${text},
      model_name ${text},
      best_epoch ${integer},
      draw ${text} not null,
      chosen_because ${text} not null,
      ended_because ${text},
      hyperparameters ${text} not null,
      metrics ${text} not null,
      properties ${text} not null,
      error ${text},
      unique (job, number)
    )`,
    'create index trials_status on trials (status)',
    'create index trials_owner on trials (owner) where owner is not null',

    `create table metrics (
      trial ${text} not null references trials (name) on delete cascade,
      name ${text} not null,
      step ${integer} not null,
      value ${real},
      time ${text} not null,
      primary key (trial, name, step)
    )${byKey}`,

    `create table assets (
      sequence ${counted},
      kind ${text} not null,
      name ${text} not null,
      version ${text} not null,
      archived integer not null,
      content_hash ${text},
      job ${text},
      created_at ${text} not null,
      description ${text},
      tags ${text} not null,
      properties ${text} not null,
      data ${text} not null,
      spec ${text} not null,
      unique (kind, name, version)
    )`,
    'create index assets_content on assets (content_hash) where content_hash is not null',
    `create table asset_labels (
      kind ${text} not null,
      name ${text} not null,
      label ${text} not null,
      version ${text} not null,
      primary key (kind, name, label),
      foreign key (kind, name, version) references assets (kind, name, version) on delete cascade
    )${byKey}`,

    `create table computes (
      name ${text} not null primary key,
      type ${text} not null,
      cpu ${integer} not null,
      gpu ${integer} not null,
      created_at ${text} not null,
      spec ${text} not null
    )`,
    `create table slots (
      compute ${text} not null references computes (name),
      kind ${text} not null,
      number ${integer} not null,
      trial ${text} not null references trials (name) on delete cascade,
      primary key (compute, kind, number)
    )${byKey}`,
    'create index slots_trial on slots (trial)',

    `create table processes (
      owner ${text} not null primary key,
      beat ${integer} not null,
      kind ${text} not null,
      host ${text} not null,
      pid ${integer} not null,
      started_at ${text} not null
    )`,
  ],
  ({ text, integer, counted }) => [
    `create table resources (
      sequence ${counted},
      kind ${text} not null,
      name ${text} not null,
      archived integer not null,
      revision ${integer} not null,
      created_at ${text} not null,
      changed_at ${text} not null,
      spec ${text} not null,
      unique (kind, name)
    )`,
  ],
];
