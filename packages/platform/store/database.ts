import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dialect,
  HandleEmptyInListsPlugin,
  Kysely,
  replaceWithNoncontingentExpression,
  type Transaction,
} from 'kysely';
import pg from 'pg';
import type { Tables } from './columns.ts';
import { StoreUnavailable } from './errors.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import { mayRunAgain, unavailable } from './unavailable.ts';

/** Times that something is tried, when another stood in its way or the connection broke. */
const attempts = 5;

/** The connection to the tables, whichever database has them. Errors that are about the database come out as `StoreUnavailable`. */
export class Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly place: string;
  readonly #kysely: Kysely<Tables>;

  constructor(kind: 'sqlite' | 'postgres', place: string, kysely: Kysely<Tables>) {
    this.kind = kind;
    this.place = place;
    this.#kysely = kysely;
  }

  /** Runs statements that change nothing; again, should the connection break. */
  read<Answer>(statement: (db: Kysely<Tables>) => Promise<Answer>): Promise<Answer> {
    return this.#explained(() => repeatedly(() => statement(this.#kysely), mayRunAgain));
  }

  /** Runs one statement that changes something. When the connection breaks, nobody can tell whether it did. */
  write<Answer>(statement: (db: Kysely<Tables>) => Promise<Answer>): Promise<Answer> {
    return this.#explained(() => statement(this.#kysely));
  }

  /** Runs several as one. `work` may be run again from its beginning, so it must change nothing but the database. */
  transaction<Answer>(work: (trx: Transaction<Tables>) => Promise<Answer>): Promise<Answer> {
    // Until the end is asked for, what fails has changed nothing.
    let ending = false;
    const once = () => {
      ending = false;
      return this.#kysely.transaction().execute(async (trx) => {
        const answer = await work(trx);
        ending = true;
        return answer;
      });
    };
    return this.#explained(() => repeatedly(once, (error) => !ending && mayRunAgain(error)));
  }

  /** Closed, it cannot be used any more. */
  close(): Promise<void> {
    return this.#kysely.destroy();
  }

  async #explained<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error, this.place) ?? error;
    }
  }
}

async function repeatedly<Answer>(work: () => Promise<Answer>, may: (error: unknown) => boolean): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !may(error)) throw error;
    }
  }
}

/** The file of a workspace's own database. */
export const databaseFile = (folder: string): string => join(folder, 'fovea.db');

/**
 * @param where the folder of the workspace, which is made when it is missing, and the address of a PostgreSQL database where that is to
 * be used instead of a file in the folder
 */
export function connect({ folder, address }: { folder: string; address?: string }): Database {
  if (address !== undefined) {
    const place = withoutPassword(address);
    return new Database('postgres', place, builder(postgresDialect(address)));
  }
  const file = databaseFile(folder);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    // The reason that Node gives is not always the true one: of a read-only disk it says that a folder is not there.
    const hint = 'Allow writing there, or name another folder for the workspace.';
    throw new StoreUnavailable(file, `cannot be made, because its folder ${folder} cannot`, hint, error);
  }
  return new Database('sqlite', file, builder(new SqliteDialect(file)));
}

/** An empty list of values is met by no row. */
const builder = (dialect: Dialect) =>
  new Kysely<Tables>({
    dialect,
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
  });

/** @throws Error for an address that is none of PostgreSQL */
function withoutPassword(address: string): string {
  try {
    if (!/^postgres(ql)?:\/\//.test(address)) throw new TypeError('of another kind');
    new pg.Client({ connectionString: address });
  } catch {
    // It is not shown: it may hold a password.
    throw new Error(
      'the address of the database cannot be read; it should be like postgres://user:password@host:5432/database',
    );
  }
  return address.replace(/^(\w+:\/\/[^:@/?]*):[^/?]*@/, '$1:***@').replace(/([?&]password=)[^&]*/, '$1***');
}
