import { Command, InvalidArgumentError, Option } from 'commander';
import { azureOptions, scopeNote } from './az-spelling.ts';
import { UsageError } from './failure.ts';
import { type OutputFormat, outputFormats } from './output.ts';
import type { Services } from './services.ts';
import type { Terminal } from './terminal.ts';
import { usualFolder } from './workspace.ts';

/** What a command may touch besides the files that it was told of. */
export interface Context {
  readonly terminal: Terminal;
  readonly services: Services;
  /** What the process is to end with; a command that fails sets it or throws. */
  exitCode: number;
}

/** One row of the grammar. */
export interface CommandSpec<Options> {
  /** The verb with its arguments: `predict <model> <images...>`. */
  readonly usage: string;
  readonly summary: string;
  /** What the reader of `--help` should know beyond the summary. */
  readonly about?: string;
  readonly options: readonly OptionSpec[];
  /** Without it the result is text for people, and a format is for machines. */
  readonly defaultOutput?: OutputFormat;
  /** The verb exists in `az ml`, so it takes the flags that every `az ml` verb takes. */
  readonly azure?: boolean;
  /** Whether it works on the workspace of a server, or has no use for one; left out, it is for workspaces of this machine. */
  readonly server?: 'asked' | 'unneeded';
  readonly examples: readonly string[];
  readonly run: (options: Options & CommonOptions, args: readonly string[]) => Promise<void>;
}

export interface OptionSpec {
  readonly flags: string;
  readonly text: string;
  /** The command does nothing without it. */
  readonly required?: boolean;
  readonly fallback?: unknown;
  readonly choices?: readonly string[];
  /** Turns the text that was typed into a value; `previous` is that of the same option given before. */
  readonly read?: (text: string, previous: never) => unknown;
}

/** What every command takes. */
export interface CommonOptions {
  output?: OutputFormat;
  query?: string;
  workspace: string;
  database?: string;
  /** Address of the server whose workspace is meant. */
  server?: string;
  tokenFile?: string;
  ca?: string;
  verbose?: boolean;
  debug?: boolean;
  onlyShowErrors?: boolean;
}

const resultOptions: readonly OptionSpec[] = [
  {
    flags: '-o, --output <format>',
    text: `how the result is written: ${outputFormats.join(', ')}`,
    choices: outputFormats,
  },
  { flags: '--query <jmespath>', text: 'the part of the result to write; see jmespath.org' },
];

const generalOptions = (): readonly OptionSpec[] => [
  {
    flags: '--workspace <folder>',
    text: 'where jobs and their files are kept; or FOVEA_HOME',
    fallback: usualFolder(),
  },
  {
    flags: '--database <url>',
    text: "postgres://… of a team's database; or FOVEA_DATABASE; a file in the workspace when left out",
  },
  {
    flags: '--server <url>',
    text: 'https://… of a fovea serve whose workspace is meant instead; or FOVEA_SERVER, with a token in FOVEA_TOKEN',
  },
  { flags: '--token-file <file>', text: 'a file with the token for the server' },
  { flags: '--ca <file.pem>', text: "an authority to trust for the server's certificate; or FOVEA_CA" },
  { flags: '--verbose', text: 'say more on stderr' },
  { flags: '--debug', text: 'as --verbose, and show the stack of an unexpected error' },
  { flags: '--only-show-errors', text: 'nothing but errors on stderr' },
];

/** A row of the grammar as a commander command. */
export function command<Options>({ terminal }: Context, spec: CommandSpec<Options>): Command {
  const made = new Command().usage(`${spec.usage.replace(/^\S+ ?/, '')} [options]`.trim());
  const [name = '', ...args] = spec.usage.split(' ');
  const sentence = `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`;
  made
    .name(name)
    .summary(spec.summary)
    .description(spec.about ? `${sentence}\n${spec.about}` : sentence);
  for (const argument of args) made.argument(argument);
  const addAll = (options: readonly OptionSpec[], heading: string) => {
    for (const option of options) made.addOption(optionOf(option).helpGroup(heading));
  };
  addAll(spec.options, 'Options:');
  const result = resultOptions.map((option) =>
    option.choices && spec.defaultOutput ? { ...option, fallback: spec.defaultOutput } : option,
  );
  addAll(result, 'Result:');
  addAll(generalOptions(), 'General:');
  made.helpOption('-h, --help', 'this text');
  if (spec.azure) addAll(azureOptions, 'Scope in Azure (kept as properties of a created job):');
  if (spec.examples.length > 0)
    made.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
  made.action(() => {
    const { server: _, ...given } = made.opts<Options & CommonOptions>();
    const server = serverOf(made, spec);
    const options = { ...given, ...(server !== undefined && { server }) } as Options & CommonOptions;
    // Asked for here and not by commander, which would say so before it saw that the option is there with a letter missing.
    for (const { required, flags } of spec.options) {
      const [, long = ''] = /--(\S+)/.exec(flags) ?? [];
      const name = long.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (required && !Object.hasOwn(options, name))
        throw new UsageError(`${fullName(made)} needs ${flags}`, `${fullName(made)} --help`);
    }
    const scope = spec.azure ? scopeNote(options) : null;
    if (scope !== null && (options.verbose || options.debug)) terminal.err.write(`  note: ${scope}\n`);
    return spec.run(options, made.args);
  });
  return made;
}

/** The server that is meant, if one is: what is typed counts more than what the environment says. @throws UsageError */
function serverOf(made: Command, { server: use }: Pick<CommandSpec<never>, 'server'>): string | undefined {
  const { server } = made.opts<CommonOptions>();
  const folder = (['workspace', 'database'] as const).find((name) => made.getOptionValueSource(name) === 'cli');
  if (server !== undefined && folder !== undefined)
    throw new UsageError(
      `--server and --${folder} at once`,
      'the workspace is that of a server, or one of this machine',
    );
  const meant =
    server ?? (folder === undefined && use !== 'unneeded' ? process.env.FOVEA_SERVER || undefined : undefined);
  if (meant === undefined || use === 'asked') return meant;
  const hint =
    server === undefined
      ? `FOVEA_SERVER names ${meant}; --workspace <folder> names one of this machine`
      : 'run it on the machine of the server, or leave --server out';
  throw new UsageError(`${fullName(made)} works on this machine alone, not on a server`, hint);
}

function fullName(one: Command): string {
  return one.parent === null ? one.name() : `${fullName(one.parent)} ${one.name()}`;
}

function optionOf({ flags, text, fallback, choices, read }: OptionSpec): Option {
  const option = new Option(flags, text);
  if (choices) option.choices(choices);
  if (read) option.argParser(read as (text: string, previous: unknown) => unknown);
  if (fallback !== undefined) option.default(fallback);
  return option;
}

/** Reads a whole number of at least one. */
export function positiveInteger(text: string): number {
  if (!/^\+?\d+$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

/** Reads `key=value`, given as often as wanted. */
export function assignments(text: string, previous: readonly string[] = []): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('It must read key=value.');
  return [...previous, text];
}
