import { setTimeout as sleep } from 'node:timers/promises';
import { type PostgresClientConstructor, PostgresDialect } from 'kysely';
import pg from 'pg';

/** A server that was there before may be away so long, in milliseconds: a restart costs no job. */
const patience = 30_000;

/** Of each process. */
const mostConnections = 4;

/** Kysely on a pool of connections to PostgreSQL. @throws Error for an address that cannot be read */
export function postgresDialect(address: string): PostgresDialect {
  const pool = new pg.Pool({
    Client: Connection,
    connectionString: address,
    max: mostConnections,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'fovea',
    // A process that stands still in the middle of something gives its locks back.
    idle_in_transaction_session_timeout: 20_000,
    lock_timeout: patience,
    types: { getTypeParser: typeParser },
  });
  // A connection that breaks while nobody uses it is replaced when the next one is wanted.
  pool.on('error', () => {});
  let known = false;
  const connect = async () => {
    const begun = performance.now();
    for (;;) {
      try {
        const client = await pool.connect();
        known = true;
        return client;
      } catch (error) {
        if (!isAway(error) || !(known || isStarting(error)) || performance.now() - begun > patience) throw error;
        await sleep(250);
      }
    }
  };
  return new PostgresDialect({
    pool: {
      connect,
      end: () => pool.end(),
      options: pool.options,
      Client: pg.Client as unknown as PostgresClientConstructor,
    },
  });
}

/**
 * Says nothing of its own when it breaks. What was asked through it fails and is told there; an error that comes after the pool let go of
 * a connection would end the process.
 */
class Connection extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

const INT8 = 20;

/** Whole numbers of 64 bits are numbers: none of ours reaches 2⁵³. */
const typeParser: typeof pg.types.getTypeParser = (type: number, format?: 'text' | 'binary') =>
  type === INT8 ? Number : pg.types.getTypeParser(type, format as 'text');

/** The server does not answer, or says that it is starting or stopping. */
function isAway(error: unknown): boolean {
  const { code, message = '' } = error as { code?: string; message?: string };
  return (
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'].includes(code ?? '') ||
    ['57P01', '57P02', '57P03'].includes(code ?? '') ||
    /Connection terminated|timeout exceeded/.test(message)
  );
}

function isStarting(error: unknown): boolean {
  return (error as { code?: string }).code === '57P03';
}
