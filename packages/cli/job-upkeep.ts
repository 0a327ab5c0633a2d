import type { JobRecord, Workspace } from '@fovea/platform';
import type { Command } from 'commander';
import { agreed } from './agreement.ts';
import { type CommonOptions, type Context, command, type OptionSpec } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { resultWriter } from './output.ts';
import { hasEnded } from './trial-words.ts';
import { jobNamed, withWorkspace, workspaceWords } from './workspace.ts';

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: "the job's name", required: true };

interface Named {
  name: string;
}

interface UpdateOptions extends Named {
  set?: string[];
  add?: string[];
  remove?: string[];
  forceString?: boolean;
}

/** `fovea job archive|restore|delete|update`. */
export function upkeepCommands(context: Context): Command[] {
  const { terminal } = context;
  const said = (options: CommonOptions, text: string) => {
    if (!options.onlyShowErrors) terminal.err.write(`  ${text}\n`);
  };

  const archive = command<Named>(context, {
    usage: 'archive',
    summary: 'hide a job that has ended from the list',
    azure: true,
    server: 'asked',
    options: [nameOption],
    examples: ['fovea job archive --name amber_lynx', 'fovea job list --archived-only -o table'],
    async run(options) {
      await withWorkspace(context, options, async (workspace) => {
        await endedJob(workspace, options, 'archived');
        await workspace.archive(options.name);
        said(options, `${options.name} is archived`);
      });
    },
  });

  const restore = command<Named>(context, {
    usage: 'restore',
    summary: 'show an archived job in the list again',
    azure: true,
    server: 'asked',
    options: [nameOption],
    examples: ['fovea job restore --name amber_lynx'],
    async run(options) {
      await withWorkspace(context, options, async (workspace) => {
        await jobNamed(workspace, options, options.name);
        await workspace.restore(options.name);
        said(options, `${options.name} is in the list again`);
      });
    },
  });

  const remove = command<Named & { yes?: boolean }>(context, {
    usage: 'delete',
    summary: 'remove a job that has ended, with its models and all its files',
    azure: true,
    server: 'asked',
    options: [nameOption, { flags: '-y, --yes', text: 'do not ask' }],
    examples: ['fovea job delete --name amber_lynx --yes'],
    async run(options) {
      await withWorkspace(context, options, async (workspace) => {
        await endedJob(workspace, options, 'deleted');
        if (
          !options.yes &&
          !(await agreed(terminal, `Delete ${options.name} and all its files in ${workspace.address}?`))
        )
          throw new CommandFailure('nothing was deleted');
        await workspace.delete(options.name);
        said(options, `${options.name} is deleted`);
      });
    },
  });

  const update = command<UpdateOptions>(context, {
    usage: 'update',
    summary: 'change the tags and properties of a job',
    azure: true,
    server: 'asked',
    options: [
      nameOption,
      { flags: '--set <path=value...>', text: 'a value, as tags.owner=me, or a whole map as JSON' },
      { flags: '--add <path key=value...>', text: 'entries of a map, as tags owner=me' },
      { flags: '--remove <path...>', text: 'entries, as tags.owner or tags owner' },
      { flags: '--force-string', text: 'take values as they stand, not as JSON' },
    ],
    defaultOutput: 'json',
    examples: [
      'fovea job update --name amber_lynx --set tags.owner=me tags.keep=yes',
      'fovea job update --name amber_lynx --add tags owner=me --remove tags.draft --query tags',
    ],
    async run(options) {
      const write = await resultWriter(terminal.out, { output: options.output ?? 'json', query: options.query });
      if (!options.set && !options.add && !options.remove)
        throw new UsageError('nothing is to be changed', '--set tags.owner=me');
      await withWorkspace(context, options, async (workspace) => {
        const { tags, properties } = await jobNamed(workspace, options, options.name);
        await write(await workspace.update(options.name, changed({ tags, properties }, options)));
      });
    },
  });

  return [update, archive, restore, remove];

  /** @throws CommandFailure when there is none of that name, or it has not ended */
  async function endedJob(workspace: Workspace, options: CommonOptions & Named, verb: string): Promise<JobRecord> {
    const record = await jobNamed(workspace, options, options.name);
    if (hasEnded(record)) return record;
    throw new CommandFailure(`${options.name} has not ended: only a job that has can be ${verb}`, {
      hint: `fovea job cancel${workspaceWords(options)} --name ${options.name}`,
    });
  }
}

type Changeable = Record<'tags' | 'properties', Record<string, string>>;

/** What `--set`, `--add` and `--remove` make of tags and properties, in this order. @throws UsageError for other paths */
export function changed(before: Readonly<Changeable>, { set, add, remove, forceString }: Partial<UpdateOptions>) {
  const after: Changeable = { tags: { ...before.tags }, properties: { ...before.properties } };
  for (const assignment of set ?? []) {
    const [path, text] = parted(assignment, '--set');
    const { map, key } = placeOf(path, '--set');
    if (key !== null) after[map][key] = text;
    else after[map] = mapOf(text, assignment, forceString === true);
  }
  let map: keyof Changeable | null = null;
  for (const word of add ?? []) {
    if (isMap(word)) map = word;
    else if (map === null) throw new UsageError(`--add ${word} does not say where`, '--add tags owner=me');
    else if (word.startsWith('{')) Object.assign(after[map], mapOf(word, word, forceString === true));
    else after[map][parted(word, '--add')[0]] = parted(word, '--add')[1];
  }
  map = null;
  for (const word of remove ?? []) {
    if (isMap(word)) map = word;
    else {
      const place = map === null || /^(tags|properties)\./.test(word) ? placeOf(word, '--remove') : { map, key: word };
      if (place.key === null || !Object.hasOwn(after[place.map], place.key))
        throw new UsageError(
          `--remove ${word}: there is none`,
          `there are ${Object.keys(after[place.map]).join(', ')}`,
        );
      delete after[place.map][place.key];
    }
  }
  return after;
}

const isMap = (word: string): word is keyof Changeable => word === 'tags' || word === 'properties';

function parted(assignment: string, flag: string): [string, string] {
  const at = assignment.indexOf('=');
  if (at > 0) return [assignment.slice(0, at), assignment.slice(at + 1)];
  throw new UsageError(`${flag} ${assignment} must read key=value`);
}

function placeOf(path: string, flag: string): { map: keyof Changeable; key: string | null } {
  const [, map = '', key = null] = /^([^.]*)(?:\.(.+))?$/.exec(path) ?? [];
  if (isMap(map)) return { map, key };
  throw new UsageError(`${flag} ${path}: only tags and properties of a job change`, 'as tags.owner');
}

function mapOf(text: string, said: string, forceString: boolean): Record<string, string> {
  try {
    const map: unknown = forceString ? null : JSON.parse(text);
    if (typeof map === 'object' && map !== null && !Array.isArray(map)) {
      return Object.fromEntries(
        Object.entries(map).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
      );
    }
  } catch {
    // said below
  }
  throw new UsageError(`${said}: a whole map is given as JSON`, `tags='{"owner": "me"}'`);
}
