import type { Command } from 'commander';
import { batchJobsCommand, type Deletable, toDelete } from './batch-lists.ts';
import { saidNames, withBatchEndpoints } from './batch-services.ts';
import { type CommonOptions, type Context, command, type OptionSpec } from './command.ts';
import {
  baseFolderOf,
  changeOptions,
  fileOption,
  readEndpointFile,
  type SpecOptions,
  setOption,
} from './endpoint-file.ts';
import { UsageError } from './failure.ts';
import { resultWriter } from './output.ts';

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: 'name of the deployment', required: true };
const endpointOption: OptionSpec = { flags: '-e, --endpoint-name <name>', text: 'its endpoint' };

interface DeploymentOptions extends SpecOptions, CommonOptions {
  name?: string;
  endpointName?: string;
  setDefault?: boolean;
}

interface NamedDeployment extends CommonOptions {
  name: string;
  endpointName?: string;
}

/** `fovea batch-deployment <verb>`. */
export function batchDeploymentCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });

  const create = command<DeploymentOptions>(context, {
    usage: 'create',
    summary: 'create a batch deployment: the model that scores, and how',
    about:
      'Its model is looked at now: one that could not be loaded is refused. Nothing runs until the endpoint is invoked.',
    azure: true,
    server: 'asked',
    options: [
      fileOption('the deployment'),
      { flags: '-n, --name <name>', text: 'its name; over that of the file' },
      { flags: '-e, --endpoint-name <name>', text: 'its endpoint; over that of the file' },
      { flags: '--set-default', text: 'it answers when no deployment is named' },
      setOption,
      { flags: '--skip-script-validation', text: 'accepted for scripts; there is no scoring script' },
      { flags: '--no-wait', text: 'accepted for scripts; there is nothing to wait for' },
    ],
    defaultOutput: 'json',
    examples: [
      'fovea batch-deployment create --file deployment.yml --set-default',
      'fovea batch-deployment create --name blue --endpoint-name pets-batch --set model=azureml:pets@latest --set-default',
      'fovea batch-deployment create -f deployment.yml --name green --set settings.mini_batch_size=50',
    ],
    async run(options) {
      const write = await writer(options);
      const { readBatchDeployment } = await context.services.endpoints();
      const deployment = await readEndpointFile(context, readBatchDeployment, options, saidNames(options));
      const where = { baseFolder: baseFolderOf(options), anywhere: true };
      const how = { create: true, setDefault: options.setDefault === true };
      await write(await withBatchEndpoints(context, options, (endpoints) => endpoints.deploy(deployment, where, how)));
    },
  });

  const update = command<DeploymentOptions>(context, {
    usage: 'update',
    summary: 'change a batch deployment; jobs that run go on as they are',
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: 'its name' },
      endpointOption,
      fileOption('the deployment, or a part of it'),
      ...changeOptions,
      { flags: '--no-wait', text: 'accepted for scripts; there is nothing to wait for' },
    ],
    defaultOutput: 'json',
    examples: [
      'fovea batch-deployment update --name blue --endpoint-name pets-batch --set settings.error_threshold=10',
      'fovea batch-deployment update --file deployment.yml',
    ],
    async run(options) {
      const write = await writer(options);
      const { readBatchDeployment } = await context.services.endpoints();
      await withBatchEndpoints(context, options, async (endpoints) => {
        const names = saidNames(options);
        const said =
          options.name !== undefined && options.endpointName !== undefined
            ? { name: options.name, endpoint_name: options.endpointName }
            : await readEndpointFile(context, readBatchDeployment, { file: options.file ?? '' }, names);
        const base = await endpoints.findDeployment(said.endpoint_name, said.name);
        const deployment = await readEndpointFile(context, readBatchDeployment, options, { ...names, base });
        const where = { baseFolder: baseFolderOf(options), anywhere: true };
        await write(await endpoints.deploy(deployment, where, { revision: base.revision }));
      });
    },
  });

  const show = command<NamedDeployment>(context, {
    usage: 'show',
    summary: 'print what is known of a batch deployment',
    azure: true,
    server: 'asked',
    options: [nameOption, endpointOption],
    defaultOutput: 'json',
    examples: ['fovea batch-deployment show --name blue --endpoint-name pets-batch'],
    async run(options) {
      const write = await writer(options);
      const endpoint = requiredEndpoint(options, 'show');
      await write(
        await withBatchEndpoints(context, options, (endpoints) => endpoints.findDeployment(endpoint, options.name)),
      );
    },
  });

  const list = command<CommonOptions & { endpointName?: string }>(context, {
    usage: 'list',
    summary: 'print the deployments of a batch endpoint, newest first',
    azure: true,
    server: 'asked',
    options: [endpointOption],
    defaultOutput: 'json',
    examples: ['fovea batch-deployment list --endpoint-name pets-batch -o table'],
    async run(options) {
      const write = await writer(options);
      const endpoint = requiredEndpoint(options, 'list');
      const found = await withBatchEndpoints(context, options, (endpoints) => endpoints.listDeployments(endpoint));
      await write(
        found,
        found.map(({ name, model, resources, settings, created_at }) => ({
          ...{ name, model, instances: resources.instance_count, 'mini-batch': settings.mini_batch_size },
          created: created_at,
        })),
      );
    },
  });

  const remove = command<Deletable & NamedDeployment>(context, {
    usage: 'delete',
    summary: 'remove a batch deployment; its jobs go on, and their results stay',
    azure: true,
    server: 'asked',
    options: [
      nameOption,
      endpointOption,
      { flags: '-y, --yes', text: 'do not ask' },
      { flags: '--no-wait', text: 'accepted for scripts' },
    ],
    examples: ['fovea batch-deployment delete --name blue --endpoint-name pets-batch --yes'],
    async run(options) {
      const endpoint = requiredEndpoint(options, 'delete');
      await withBatchEndpoints(context, options, async (endpoints) => {
        const { name } = await endpoints.findDeployment(endpoint, options.name);
        await toDelete(context, options, `Delete the deployment ${name} of ${endpoint}?`);
        await endpoints.deleteDeployment(endpoint, name);
        if (!options.onlyShowErrors) err.write(`  ${name} of ${endpoint} is deleted\n`);
      });
    },
  });

  return [create, update, show, list, remove, batchJobsCommand(context, 'deployment')];
}

function requiredEndpoint({ endpointName }: { endpointName?: string }, verb: string): string {
  if (endpointName !== undefined) return endpointName;
  throw new UsageError(`fovea batch-deployment ${verb} needs -e, --endpoint-name <name>`);
}
