import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { assignments, type OptionSpec } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';

/** What a file or the command line says of an asset that is to be registered. */
export interface AssetOptions {
  file?: string;
  name?: string;
  version?: string;
  path?: string;
  type?: string;
  description?: string;
  tags?: string[];
  set?: string[];
}

export interface SaidAsset {
  readonly name: string;
  readonly version?: string;
  readonly path: string;
  readonly type?: string;
  readonly description?: string;
  readonly tags?: Record<string, string>;
  readonly properties?: Record<string, string>;
  /** Where a relative path begins. */
  readonly baseFolder: string;
}

export const assetOptions = (kind: string, types: readonly string[]): readonly OptionSpec[] => [
  { flags: '-f, --file <file.yml>', text: `YAML that says all this; what is said here wins` },
  { flags: '-n, --name <name>', text: `name of the ${kind}` },
  { flags: '-v, --version <version>', text: 'its version; the next whole number when left out' },
  { flags: '-p, --path <path>', text: 'where its files are' },
  { flags: '-t, --type <type>', text: types.join(', '), choices: types },
  { flags: '--description <text>', text: 'what it is' },
  { flags: '--tags <key=value...>', text: 'tags', read: assignments },
  { flags: '--set <key=value...>', text: 'a value over that of the file, as tags.owner=me', read: assignments },
];

const keys = ['name', 'version', 'path', 'type', 'description', 'tags', 'properties'] as const;

/** Reads the file of an asset, with what the command line says over it. @throws CommandFailure, UsageError */
export async function saidAsset(kind: string, options: AssetOptions): Promise<SaidAsset> {
  const { file, set = [] } = options;
  const said: Record<string, unknown> = file === undefined ? {} : await readYaml(kind, file);
  for (const assignment of set) put(said, assignment);
  for (const key of ['name', 'version', 'path', 'type', 'description'] as const) {
    if (options[key] !== undefined) said[key] = options[key];
  }
  for (const pair of options.tags ?? []) put(said, `tags.${pair}`);

  const where = file ?? 'the command line';
  const text = (key: 'name' | 'version' | 'path' | 'type' | 'description'): string | undefined => {
    const value = said[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    throw new CommandFailure(`${where}: ${key} should be text`);
  };
  const map = (key: 'tags' | 'properties'): Record<string, string> | undefined => {
    const value = said[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw new CommandFailure(`${where}: ${key} should be a map`);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)]));
  };
  const name = text('name');
  const path = text('path');
  if (name === undefined) throw new UsageError(`the ${kind} has no name`, `--name, or name: in ${file ?? 'a --file'}`);
  if (path === undefined) throw new UsageError(`the ${kind} has no path`, `--path, or path: in ${file ?? 'a --file'}`);
  const given = { version: text('version'), type: text('type'), description: text('description') };
  const maps = { tags: map('tags'), properties: map('properties') };
  const present = Object.entries({ ...given, ...maps }).filter(([, value]) => value !== undefined);
  // A path of the command line begins where the command was typed.
  const baseFolder = file === undefined || options.path !== undefined ? process.cwd() : dirname(resolve(file));
  return { name, path, baseFolder, ...(Object.fromEntries(present) as Partial<SaidAsset>) };
}

async function readYaml(kind: string, file: string): Promise<Record<string, unknown>> {
  const { parseDocument } = await import('yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
    const [wrong] = document.errors;
    if (wrong) throw wrong;
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new CommandFailure(`${file} is not YAML that can be read: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandFailure(`${file} should be a map of keys: ${keys.join(', ')}`);
  }
  for (const key of Object.keys(value)) {
    if (key === '$schema' || (keys as readonly string[]).includes(key)) continue;
    throw new CommandFailure(`${file}: unknown key ${key}`, { hint: `the file of a ${kind} has ${keys.join(', ')}` });
  }
  return value as Record<string, unknown>;
}

function put(said: Record<string, unknown>, assignment: string): void {
  const at = assignment.indexOf('=');
  const [path, value] = [assignment.slice(0, at), assignment.slice(at + 1)];
  const [, key = '', name] = /^([^.]*)(?:\.(.+))?$/.exec(path) ?? [];
  const isMap = key === 'tags' || key === 'properties';
  if (!(keys as readonly string[]).includes(key) || isMap !== (name !== undefined)) {
    throw new UsageError(`--set ${path}: there is no such value`, `there are ${keys.join(', ')}, and tags.<name>`);
  }
  if (name === undefined) said[key] = value;
  else said[key] = { ...(said[key] as object | undefined), [name]: value };
}
