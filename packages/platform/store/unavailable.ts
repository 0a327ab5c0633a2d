import { StoreUnavailable } from './errors.ts';

interface DatabaseError extends Error {
  code?: string;
  /** SQLite's extended result code. */
  errcode?: number;
}

/** What went wrong with a database and what to do about it; null for errors that are not about the database being there. */
export function unavailable(error: unknown, place: string): StoreUnavailable | null {
  const { code, errcode, message } = error as DatabaseError;
  const known = code === 'ERR_SQLITE_ERROR' ? sqliteProblems[(errcode ?? 0) & 0xff] : postgresProblem(error);
  if (!known) return null;
  const [problem, hint] = known;
  // A host with several addresses fails at each: that error has no message of its own.
  const why = message || (error as AggregateError).errors?.[0]?.message || code;
  return new StoreUnavailable(place, `${problem} (${why})`, hint, error);
}

/** A value that must be unique is there already. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = error as DatabaseError;
  return code === '23505' || (code === 'ERR_SQLITE_ERROR' && (errcode === 2067 || errcode === 1555));
}

/** PostgreSQL ended one of two transactions that waited for each other, or the connection broke, because the server stopped for example. */
export function mayRunAgain(error: unknown): boolean {
  const { code = '' } = error as DatabaseError;
  return ['40P01', '40001', '57P01', '57P02', '57P03'].includes(code) || code.startsWith('08') || isBroken(error);
}

/** In the middle of a conversation with PostgreSQL. */
function isBroken(error: unknown): boolean {
  const { code = '', message = '' } = error as DatabaseError;
  const words = /Connection terminated|server closed the connection|connection error and is not queryable/;
  return ['ECONNRESET', 'EPIPE'].includes(code) || words.test(message);
}

type Problem = readonly [problem: string, hint: string];

const goesOn =
  'What was written before is kept; what could not be written is done again when the same command is run again.';

/** By SQLite's primary result codes. */
const sqliteProblems: Readonly<Record<number, Problem>> = {
  5: ['is held by another process', 'Another program has it open and writes: end that one, or try again.'],
  8: [
    'cannot be written',
    'Its folder or file is read-only for this user. Allow writing there, or name another folder for the workspace.',
  ],
  10: ['cannot be read or written', `Its disk, or the connection to it, may be faulty. ${goesOn}`],
  11: [
    'is damaged',
    'Put back a copy of it, or name another folder for the workspace. Models stand in the job folders.',
  ],
  13: ['has no room left on its disk', `Make room there. ${goesOn}`],
  14: [
    'cannot be opened',
    'Its folder must be there and writable for this user. Allow that, or name another folder for the workspace.',
  ],
  26: ['is not a database', 'The file holds something else: move it away, or name another folder for the workspace.'],
};

/** By PostgreSQL's codes, whole or by class, and those of the network. */
const postgresProblems: Readonly<Record<string, Problem>> = {
  '28': [
    'does not let this user in',
    'Check user and password in the address (postgres://user:password@host/database).',
  ],
  '3D': ['is not there', 'Make it on that server, for example with createdb, and run the same command again.'],
  '53': ['has no means left on its server', `Make room there (disk, memory, or connections). ${goesOn}`],
  '57': ['was stopped or is starting', `Run the same command again when its server is up. ${goesOn}`],
  '58': ['has trouble with its disk', `Its server's log says more. ${goesOn}`],
  '08': ['broke the connection off', goesOn],
  '25006': ['is read-only', 'Name the address of the server that takes writes, not of its copy.'],
  '25P03': ['gave up on this process, which stood still while it was writing', goesOn],
  '42501': [
    'does not allow this',
    'The user of the address needs the right to create tables: make it the owner of the database, or grant create on its schema.',
  ],
  '55P03': ['is held by another process', 'Another program holds its rows: end that one, or try again.'],
};

const networkCodes = ['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'];

function postgresProblem(error: unknown): Problem | null {
  const { code = '', message = '' } = error as DatabaseError;
  const known = postgresProblems[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? postgresProblems[code.slice(0, 2)] : undefined);
  if (known) return known;
  if (networkCodes.includes(code) || /timeout exceeded when trying to connect|timeout expired/.test(message)) {
    return ['cannot be reached', 'Is its server running, and is the address right? Then run the same command again.'];
  }
  return isBroken(error) ? postgresProblems['08'] : null;
}
