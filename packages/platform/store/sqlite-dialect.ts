import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

/** Another process may hold the database so long before it counts as unavailable, in milliseconds. */
const patience = 30_000;

/** SQLite's own waiting stands still with the process: no longer than this at a time, in milliseconds. */
const blockingWait = 50;

/** Most statements that are kept ready. */
const mostStatements = 200;

const SQLITE_BUSY = 5;

/** Kysely on Node's own SQLite. One connection; transactions wait for each other, and take the right to write when they begin. */
export class SqliteDialect implements Dialect {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  createDriver(): Driver {
    return new SqliteDriver(this.#path);
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(db);
  }
}

class SqliteDriver implements Driver {
  readonly #path: string;
  #connection: SqliteConnection | null = null;
  /** Fulfilled when the last one that asked for the connection gave it back. */
  #free: Promise<void> = Promise.resolve();
  #giveBack: () => void = () => {};

  constructor(path: string) {
    this.#path = path;
  }

  async init(): Promise<void> {
    const database = new DatabaseSync(this.#path, { timeout: blockingWait, enableForeignKeyConstraints: true });
    try {
      const connection = new SqliteConnection(database);
      // Readers and one writer at the same time. With FULL, what was committed is on the disk: it survives a power cut, too, without which
      // a checkpoint could know of epochs that the database forgot. It costs one flush per transaction, of which there are few.
      await connection.execute('pragma journal_mode = wal');
      await connection.execute('pragma synchronous = full');
      this.#connection = connection;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  async acquireConnection(): Promise<SqliteConnection> {
    const free = this.#free;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#free = promise;
    await free;
    this.#giveBack = resolve;
    if (this.#connection === null) {
      resolve();
      throw new Error('the database has been closed');
    }
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#giveBack();
  }

  async beginTransaction(connection: SqliteConnection): Promise<void> {
    await connection.execute('begin immediate');
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    await connection.execute('commit');
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    // A full disk, for one, makes SQLite roll back by itself.
    if (connection.inTransaction) await connection.execute('rollback');
  }

  async destroy(): Promise<void> {
    await this.#free;
    this.#connection?.close();
    this.#connection = null;
  }
}

interface Prepared {
  statement: StatementSync;
  /** Names of the columns that it answers; none for a statement that only changes something. */
  columns: readonly string[];
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return this.execute<Row>(sql, parameters as readonly SQLInputValue[]);
  }

  /** Runs a statement, again and again while another process is writing. */
  async execute<Row>(sql: string, parameters: readonly SQLInputValue[] = []): Promise<QueryResult<Row>> {
    const begun = performance.now();
    for (;;) {
      try {
        return this.#executeNow<Row>(sql, parameters);
      } catch (error) {
        if (!isBusy(error) || performance.now() - begun > patience) throw error;
        await sleep(5 + Math.random() * 20);
      }
    }
  }

  #executeNow<Row>(sql: string, parameters: readonly SQLInputValue[]): QueryResult<Row> {
    const { statement, columns } = this.#prepare(sql);
    if (columns.length > 0) {
      const rows = statement.all(...parameters) as unknown as SQLOutputValue[][];
      return { rows: rows.map((values) => asRow(columns, values) as Row) };
    }
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, columns: statement.columns().map(({ name }) => name) };
    if (this.#statements.size >= mostStatements) this.#statements.clear();
    this.#statements.set(sql, prepared);
    return prepared;
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for one; the store's answers are read whole.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('answers of SQLite are not streamed');
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** SQLite's own objects have no prototype, unlike those of PostgreSQL; copying them costs several times this. */
function asRow(columns: readonly string[], values: readonly SQLOutputValue[]): Record<string, SQLOutputValue> {
  const row: Record<string, SQLOutputValue> = {};
  for (let i = 0; i < columns.length; i++) row[columns[i]] = values[i];
  return row;
}

function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { code?: string; errcode?: number };
  return code === 'ERR_SQLITE_ERROR' && errcode !== undefined && (errcode & 0xff) === SQLITE_BUSY;
}
