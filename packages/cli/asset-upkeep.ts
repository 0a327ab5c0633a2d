import { resolve } from 'node:path';
import type { AssetRecord, AssetRow, EnvironmentRecord, NamesData, SharedRegistry } from '@fovea/platform/registry';
import type { Command } from 'commander';
import { type CommonOptions, type Context, command, type OptionSpec, positiveInteger } from './command.ts';
import { UsageError } from './failure.ts';
import { changed } from './job-upkeep.ts';
import { resultWriter } from './output.ts';
import { whileSending } from './sending.ts';
import { databaseOf, serverAddress } from './workspace.ts';

/** A kind of asset, as its commands speak of it. */
export interface AssetWords {
  readonly kind: 'model' | 'data' | 'environment';
  /** `fovea model` */
  readonly group: string;
  readonly one: string;
  readonly many: string;
  readonly example: string;
}

interface Named extends CommonOptions {
  name: string;
  version?: string;
  label?: string;
}

interface ListOptions extends CommonOptions {
  name?: string;
  maxResults: number;
  includeArchived?: boolean;
  archivedOnly?: boolean;
}

interface UpdateOptions extends Named {
  set?: string[];
  add?: string[];
  remove?: string[];
  forceString?: boolean;
}

export const versionOptions: readonly OptionSpec[] = [
  { flags: '-n, --name <name>', text: 'its name', required: true },
  { flags: '-v, --version <version>', text: 'its version; the latest when left out' },
  { flags: '-l, --label <label>', text: 'a label instead of a version, as latest' },
];

/** What is printed of a version. */
export type RecordOf = (row: AssetRow) => AssetRecord | EnvironmentRecord;

/** Opens the registry of a command for as long as `work` takes. */
export async function withRegistry<T>(
  context: Pick<Context, 'services' | 'terminal'>,
  options: CommonOptions,
  work: (registry: SharedRegistry, recordOf: RecordOf) => Promise<T>,
): Promise<T> {
  const { services } = context;
  const { openRegistry, ...records } = await services.registry();
  const writers = { model: records.modelRecord, data: records.dataRecord, environment: records.environmentRecord };
  const recordOf: RecordOf = (row) => writers[row.kind as keyof typeof writers](row);
  const server = await serverAddress(options);
  const use = async (registry: SharedRegistry & { close(): Promise<void> }): Promise<T> => {
    try {
      return await work(registry, recordOf);
    } finally {
      await registry.close();
    }
  };
  if (server === null) return use(await openRegistry({ folder: resolve(options.workspace), ...databaseOf(options) }));
  const { openRemoteRegistry } = await services.remote();
  return whileSending(context, options, async (sending) => use(await openRemoteRegistry(server, sending)));
}

/** A job with the paths of its data where it names registered data. @throws Refusal when there is no such data, or it has changed */
export async function withRegisteredData<Job extends NamesData>(
  context: Pick<Context, 'services' | 'terminal'>,
  options: CommonOptions,
  job: Job,
): Promise<Job> {
  const isNamed = [job.training_data, job.validation_data].some((input) => input?.path.startsWith('azureml:'));
  return isNamed ? withRegistry(context, options, (registry) => registry.withDataPaths(job)) : job;
}

/** The version that the words of a command mean. @throws UsageError for a version and a label at once */
export function versionOf({ version, label }: Pick<Named, 'version' | 'label'>): string {
  if (version !== undefined && label !== undefined) throw new UsageError('--version and --label at once', 'give one');
  return version ?? `@${label ?? 'latest'}`;
}

/** `fovea model|data list|show|update|archive|restore`. */
export function assetUpkeepCommands(context: Context, words: AssetWords): Command[] {
  const { kind, group, one, many, example } = words;
  // A server keeps environments for those who ask by REST.
  const asked = kind === 'environment' ? {} : ({ server: 'asked' } as const);
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });

  const list = command<ListOptions>(context, {
    usage: 'list',
    summary: `print ${many}, the newest version of each name, or all versions of one`,
    azure: true,
    ...asked,
    options: [
      { flags: '-n, --name <name>', text: 'all versions of this name' },
      { flags: '-r, --max-results <n>', text: 'at most so many', fallback: 50, read: positiveInteger },
      { flags: '--include-archived', text: 'archived versions, too' },
      { flags: '--archived-only', text: 'archived versions alone' },
    ],
    defaultOutput: 'json',
    examples: [`${group} list -o table`, `${group} list --name ${example} --query "[].version" -o tsv`],
    async run(options) {
      const { name, includeArchived, archivedOnly } = options;
      if (includeArchived && archivedOnly)
        throw new UsageError('--include-archived and --archived-only at once', 'give one of them');
      const write = await writer(options);
      await withRegistry(context, options, async (registry, recordOf) => {
        const archived = archivedOnly ? 'archived' : includeArchived ? 'all' : 'active';
        const filter = { archived, most: options.maxResults, ...(name !== undefined && { name }) } as const;
        const records = (await registry.list(kind, filter)).map(recordOf);
        await write(records, records.map(tableRow));
      });
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    summary: `print what is known of ${one}`,
    azure: true,
    ...asked,
    options: versionOptions,
    defaultOutput: 'json',
    examples: [`${group} show --name ${example}`, `${group} show --name ${example} --version 2 -o yaml`],
    async run(options) {
      const write = await writer(options);
      await withRegistry(context, options, async (registry, recordOf) => {
        await write(recordOf(await registry.find(kind, options.name, versionOf(options))));
      });
    },
  });

  const update = command<UpdateOptions>(context, {
    usage: 'update',
    summary: `change the description, tags and properties of ${one}; its files never change`,
    azure: true,
    ...asked,
    options: [
      ...versionOptions,
      { flags: '--set <path=value...>', text: 'description=…, tags.owner=me, or a whole map as JSON' },
      { flags: '--add <path key=value...>', text: 'entries of a map, as tags owner=me' },
      { flags: '--remove <path...>', text: 'entries, as tags.owner or tags owner' },
      { flags: '--force-string', text: 'take values as they stand, not as JSON' },
    ],
    defaultOutput: 'json',
    examples: [`${group} update --name ${example} --version 1 --set tags.stage=production description="the first"`],
    async run(options) {
      const write = await writer(options);
      const { set = [], add, remove, forceString } = options;
      if (set.length === 0 && !add && !remove) throw new UsageError('nothing is to be changed', '--set tags.owner=me');
      const description = set.findLast((assignment) => assignment.startsWith('description='));
      const others = set.filter((assignment) => !assignment.startsWith('description='));
      await withRegistry(context, options, async (registry, recordOf) => {
        const { version, tags, properties } = await registry.find(kind, options.name, versionOf(options));
        const maps = changed(
          { tags, properties },
          { set: others, ...(add && { add }), ...(remove && { remove }), ...(forceString && { forceString }) },
        );
        const said = description === undefined ? {} : { description: description.slice('description='.length) };
        await write(recordOf(await registry.update(kind, options.name, version, { ...maps, ...said })));
      });
    },
  });

  const hide = (usage: 'archive' | 'restore', summary: string) =>
    command<Named>(context, {
      usage,
      summary,
      azure: true,
      ...asked,
      options: [
        { flags: '-n, --name <name>', text: 'its name', required: true },
        { flags: '-v, --version <version>', text: 'its version; all versions when left out' },
        { flags: '-l, --label <label>', text: 'a label instead of a version, as latest' },
      ],
      examples: [`${group} ${usage} --name ${example} --version 1`],
      async run(options) {
        const all = options.version === undefined && options.label === undefined;
        await withRegistry(context, options, (registry) =>
          registry.setArchived(kind, options.name, all ? null : versionOf(options), usage === 'archive'),
        );
        const which = all ? 'all versions' : `version ${versionOf(options)}`;
        if (!options.onlyShowErrors) err.write(`  ${options.name}, ${which}: ${usage}d\n`);
      },
    });

  return [
    ...[list, show, update],
    hide('archive', `hide ${one} from the list; what uses it goes on`),
    hide('restore', `show ${one} that was archived in the list again`),
  ];
}

/** What one looks for in a list. */
const tableRow = (record: ReturnType<RecordOf>) => {
  const { name, version, creation_context, archived } = record;
  const what =
    'content' in record
      ? { type: record.type, files: record.content.files, bytes: record.content.bytes }
      : { image: record.image ?? record.build?.path };
  return { ...{ name, version, ...what, created: creation_context.created_at }, ...(archived && { archived: 'yes' }) };
};
