import { dirname, resolve } from 'node:path';
import type { ReadOptions, ReadSpec } from '@fovea/platform/endpoints';
import { assignments, type CommonOptions, type Context, type OptionSpec } from './command.ts';
import { printableLines } from './printable.ts';
import { withAdded, withRemoved } from './spec-changes.ts';
import { textOfFile } from './text-file.ts';

/** What is said of an endpoint or a deployment, in a file and on the command line. */
export interface SpecOptions {
  file?: string;
  set?: string[];
  add?: string[];
  remove?: string[];
  forceString?: boolean;
}

export const fileOption = (what: string): OptionSpec => ({
  flags: '-f, --file <file.yml>',
  text: `the file of ${what}`,
});

export const setOption: OptionSpec = {
  flags: '--set <path=value...>',
  text: 'a value over that of the file, as tags.owner=me; may be repeated',
  read: assignments,
};

/** What `az` has for changes of anything. */
export const changeOptions: readonly OptionSpec[] = [
  setOption,
  { flags: '--add <path key=value...>', text: 'entries of a map, as tags owner=me, or of a list' },
  { flags: '--remove <path...>', text: 'an entry, as tags.owner' },
  { flags: '--force-string', text: 'take values as they stand, not as JSON' },
];

/** Where relative paths of what is said begin. */
export const baseFolderOf = ({ file }: Pick<SpecOptions, 'file'>): string =>
  file === undefined ? process.cwd() : dirname(resolve(file));

/** Whether a command says anything of what is to be changed. */
export const isChange = ({ file, set, add, remove }: SpecOptions): boolean =>
  [file, set, add, remove].some((said) => said !== undefined);

type Read<Spec> = (text: string | null, options: ReadOptions) => ReadSpec<Spec>;

/**
 * Reads the file of an endpoint or of a deployment, with what the command line says over it; without a file, the command line alone.
 *
 * @param about what problems are shown at when there is no file, as `pets`
 * @param over `given`: what options say; `base`: what there is already, which the file goes over
 * @throws IssuesError with all problems; warnings are written to stderr
 */
export async function readEndpointFile<Spec>(
  { services, terminal: { err } }: Context,
  read: Read<Spec>,
  options: SpecOptions & Pick<CommonOptions, 'onlyShowErrors'>,
  { about, given, base }: Pick<ReadOptions, 'given' | 'base'> & { readonly about: string },
): Promise<Spec> {
  const { file = about, set, forceString } = options;
  const text = options.file === undefined ? null : await textOfFile(options.file, 'a YAML file');
  const { add = [], remove = [] } = options;
  const changed = base && withRemoved(withAdded(base, add, forceString === true), remove);
  const { value, issues } = read(text, { file, set, forceString, given, base: changed });
  // What there was already has been warned of when it was said.
  const warned = issues.filter((issue) => base === undefined || issue.line !== undefined || issue.file !== file);
  if (value !== null && warned.length === 0) return value;
  const { IssuesError } = await services.data();
  const report = new IssuesError(value === null ? issues : warned, {
    sources: new Map(text === null ? [] : [[file, text]]),
  });
  if (value === null) throw report;
  if (!options.onlyShowErrors) err.write(`${printableLines(report.message)}\n`);
  return value;
}
