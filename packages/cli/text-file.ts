import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommandFailure } from './failure.ts';

/**
 * The text of a file that the command line names.
 * @param what it should be, as `a job file`
 * @param forFolder what to do with a folder instead
 * @throws CommandFailure when it is not there, or cannot be read
 */
export async function textOfFile(file: string, what: string, forFolder?: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CommandFailure(`${file} is not there`, { hint: `it would be ${resolve(file)}` });
    if (code === 'EISDIR')
      throw new CommandFailure(`${file} is a folder, not ${what}`, forFolder === undefined ? {} : { hint: forFolder });
    throw new CommandFailure(`${file} cannot be read: ${message}`);
  }
}

/** What a YAML file says under a key, where that is text; its other faults are for whoever reads it wholly. */
export async function nameInFile(file: string | undefined, key: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const [text, { parseDocument }] = await Promise.all([textOfFile(file, 'a YAML file'), import('yaml')]);
  const value = parseDocument(text, { logLevel: 'silent' }).get(key);
  return typeof value === 'string' ? value : undefined;
}
