import type { Command } from 'commander';
import { batchInvokeCommand } from './batch-invoke.ts';
import { batchJobsCommand, type Deletable, toDelete } from './batch-lists.ts';
import { saidNames, withBatchEndpoints } from './batch-services.ts';
import { type CommonOptions, type Context, command, type OptionSpec } from './command.ts';
import { changeOptions, fileOption, readEndpointFile, type SpecOptions, setOption } from './endpoint-file.ts';
import { UsageError } from './failure.ts';
import { resultWriter } from './output.ts';

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: 'name of the endpoint', required: true };

interface EndpointOptions extends SpecOptions, CommonOptions {
  name?: string;
  defaults?: string;
}

/** `fovea batch-endpoint <verb>`. */
export function batchEndpointCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });

  const create = command<EndpointOptions>(context, {
    usage: 'create',
    summary: 'create a batch endpoint, or replace what is said of it',
    about:
      'An endpoint is a name; its deployments say which model answers, and how. An endpoint of this name keeps its deployments.',
    azure: true,
    server: 'asked',
    options: [
      fileOption('the endpoint'),
      { flags: '-n, --name <name>', text: 'name of the endpoint; over that of the file' },
      setOption,
      { flags: '--no-wait', text: 'accepted for scripts; there is nothing to wait for' },
    ],
    defaultOutput: 'json',
    examples: ['fovea batch-endpoint create --name pets-batch', 'fovea batch-endpoint create --file endpoint.yml'],
    async run(options) {
      const write = await writer(options);
      const { readBatchEndpoint } = await context.services.endpoints();
      const endpoint = await readEndpointFile(context, readBatchEndpoint, options, saidNames(options));
      await write(await withBatchEndpoints(context, options, (endpoints) => endpoints.put(endpoint)));
    },
  });

  const update = command<EndpointOptions>(context, {
    usage: 'update',
    summary: 'change a batch endpoint: what is said of it, and which deployment answers',
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: 'name of the endpoint' },
      fileOption('the endpoint, or a part of it'),
      { flags: '--defaults <deployment_name=name>', text: 'the deployment that answers when none is named' },
      ...changeOptions,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea batch-endpoint update --name pets-batch --defaults deployment_name=blue',
      'fovea batch-endpoint update --name pets-batch --set defaults.deployment_name=blue tags.owner=me',
    ],
    async run(options) {
      const write = await writer(options);
      const { readBatchEndpoint } = await context.services.endpoints();
      const set = [...(options.set ?? []), ...defaultsOf(options.defaults)];
      await withBatchEndpoints(context, options, async (endpoints) => {
        const said = saidNames(options);
        const name =
          options.name ?? (await readEndpointFile(context, readBatchEndpoint, { file: options.file ?? '' }, said)).name;
        const base = await endpoints.find(name);
        const endpoint = await readEndpointFile(context, readBatchEndpoint, { ...options, set }, { ...said, base });
        await write(await endpoints.put(endpoint, { revision: base.revision }));
      });
    },
  });

  const show = command<CommonOptions & { name: string }>(context, {
    usage: 'show',
    summary: 'print what is known of a batch endpoint',
    azure: true,
    server: 'asked',
    options: [nameOption],
    defaultOutput: 'json',
    examples: ['fovea batch-endpoint show --name pets-batch'],
    async run(options) {
      const write = await writer(options);
      await write(await withBatchEndpoints(context, options, (endpoints) => endpoints.find(options.name)));
    },
  });

  const list = command<CommonOptions>(context, {
    usage: 'list',
    summary: 'print the batch endpoints of the workspace, newest first',
    azure: true,
    server: 'asked',
    options: [],
    defaultOutput: 'json',
    examples: ['fovea batch-endpoint list -o table'],
    async run(options) {
      const write = await writer(options);
      const found = await withBatchEndpoints(context, options, (endpoints) => endpoints.list());
      await write(
        found,
        found.map(({ name, defaults, description, created_at }) => ({
          ...{ name, deployment: defaults.deployment_name, created: created_at, description },
        })),
      );
    },
  });

  const remove = command<Deletable & { name: string }>(context, {
    usage: 'delete',
    summary: 'remove a batch endpoint with its deployments; its jobs and their results stay',
    azure: true,
    server: 'asked',
    options: [
      nameOption,
      { flags: '-y, --yes', text: 'do not ask' },
      { flags: '--no-wait', text: 'accepted for scripts' },
    ],
    examples: ['fovea batch-endpoint delete --name pets-batch --yes'],
    async run(options) {
      await withBatchEndpoints(context, options, async (endpoints) => {
        const { name } = await endpoints.find(options.name);
        await toDelete(context, options, `Delete the batch endpoint ${name} and its deployments?`);
        await endpoints.delete(name);
        if (!options.onlyShowErrors) err.write(`  ${name} is deleted\n`);
      });
    },
  });

  return [create, update, show, list, remove, batchInvokeCommand(context), batchJobsCommand(context, 'endpoint')];
}

/** `deployment_name=blue`, or `{"deployment_name": "blue"}`, as `az` takes it. */
function defaultsOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  const [, plain] = /^\s*deployment_name\s*=\s*(\S+)\s*$/.exec(text) ?? [];
  const [, json] = /^\s*\{\s*["']?deployment_name["']?\s*:\s*["']?([\w-]+)["']?\s*\}\s*$/.exec(text) ?? [];
  const name = plain ?? json;
  if (name === undefined)
    throw new UsageError(`--defaults ${text} says no deployment`, '--defaults deployment_name=blue');
  return [`defaults.deployment_name=${name}`];
}
