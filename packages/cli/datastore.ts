import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommonOptions, type Context, command } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { resultWriter } from './output.ts';

/** `fovea datastore list|show`; what would make, change or remove one says why not. */
export function datastoreCommands(context: Context): Command[] {
  const { out } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });

  const list = command<CommonOptions>(context, {
    usage: 'list',
    summary: 'print the datastores: a workspace has one, a folder in it',
    azure: true,
    options: [],
    defaultOutput: 'json',
    examples: ['fovea datastore list -o table'],
    async run(options) {
      const write = await writer(options);
      const record = await recordOf(context, options);
      await write([record], [{ name: record.name, type: record.type, path: record.path }]);
    },
  });

  const show = command<CommonOptions & { name: string }>(context, {
    usage: 'show',
    summary: 'print what is known of a datastore',
    azure: true,
    options: [{ flags: '-n, --name <name>', text: 'its name', required: true }],
    defaultOutput: 'json',
    examples: ['fovea datastore show --name workspaceblobstore --query path -o tsv'],
    async run(options) {
      const write = await writer(options);
      const record = await recordOf(context, options);
      if (options.name !== record.name)
        throw new CommandFailure(`there is no datastore ${JSON.stringify(options.name)}; there is ${record.name}`);
      await write(record);
    },
  });

  const refused = (usage: 'create' | 'update' | 'delete') =>
    command<CommonOptions>(context, {
      usage,
      summary: 'not here: the one datastore is a folder of the workspace',
      azure: true,
      options: [
        { flags: '-f, --file <file.yml>', text: 'YAML of a datastore' },
        { flags: '-n, --name <name>', text: 'its name' },
        { flags: '--set <path=value...>', text: 'a value' },
        { flags: '-y, --yes', text: 'without asking' },
      ],
      examples: [],
      async run(options) {
        const { name, path } = await recordOf(context, options);
        throw new UsageError(
          `this release reads files of its own machine: a workspace has the datastore ${name} and no other`,
          `data that lies in ${path} is azureml://datastores/${name}/paths/…, and fovea data create registers any path`,
        );
      },
    });
  return [list, show, refused('create'), refused('update'), refused('delete')];
}

async function recordOf(context: Context, options: CommonOptions) {
  const { datastoreFolder, defaultDatastore } = await context.services.registry();
  return {
    ...{ name: defaultDatastore, type: 'azure_blob', is_default: true, container_name: defaultDatastore },
    path: datastoreFolder({ folder: resolve(options.workspace) }, defaultDatastore),
    ...{ description: 'a folder of the workspace', credentials: {}, tags: {}, properties: {} },
  };
}
