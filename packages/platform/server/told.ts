import { Refusal } from '../refusal.ts';

/** What a workspace says to people, when what is asked for cannot be done just now: a name was taken meanwhile, a job began again. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    // Errors of the language and of the system are faults, and have other classes or a code.
    const isSaid = error instanceof Error && error.constructor === Error && !('code' in error);
    if (!isSaid) throw error;
    throw new Refusal('conflict', 'Conflict', error.message, { cause: error });
  }
}
