import type { GivenValue, OnlineDeploymentRecord, OnlineEndpoints } from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { agreed } from './agreement.ts';
import type { AzureScope } from './az-spelling.ts';
import { type CommonOptions, type Context, command, type OptionSpec, positiveInteger } from './command.ts';
import {
  baseFolderOf,
  changeOptions,
  fileOption,
  isChange,
  readEndpointFile,
  type SpecOptions,
  setOption,
} from './endpoint-file.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { followDeployment } from './follow-deployment.ts';
import {
  changeEndpoint,
  isRefusal,
  localOption,
  noWaitOption,
  sayLocal,
  withOnlineEndpoints,
} from './online-endpoints.ts';
import { resultWriter } from './output.ts';
import { printableLines } from './printable.ts';
import { entryLine } from './summary.ts';
import { nameInFile } from './text-file.ts';
import { workspaceWords } from './workspace.ts';

const endpointOption: OptionSpec = { flags: '-e, --endpoint-name <name>', text: "the endpoint's name", required: true };
const nameOption: OptionSpec = { flags: '-n, --name <name>', text: "the deployment's name", required: true };
const ofFile: readonly OptionSpec[] = [
  { flags: '-e, --endpoint-name <name>', text: "the endpoint's name, over that of the file" },
  { flags: '-n, --name <name>', text: "the deployment's name, over that of the file" },
];

interface Named extends CommonOptions {
  endpointName: string;
  name: string;
  local?: boolean;
}

interface ChangeOptions extends CommonOptions, AzureScope, SpecOptions {
  endpointName?: string;
  name?: string;
  allTraffic?: boolean;
  local?: boolean;
  vscodeDebug?: boolean;
  web?: boolean;
  wait: boolean;
}

/** `fovea online-deployment <verb>`. */
export function onlineDeploymentCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });

  const create = command<ChangeOptions>(context, {
    usage: 'create',
    summary: 'start the instances of a model that answer at an endpoint',
    about: [
      'The command waits until they are ready, and shows how they come up; Ctrl-C ends the waiting alone. A new deployment gets no requests',
      'until it has traffic: --all-traffic gives it all, fovea online-endpoint update --traffic some.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      { ...fileOption('the deployment'), required: true },
      ...ofFile,
      { flags: '--all-traffic', text: 'all requests go to it, once it is ready' },
      setOption,
      localOption,
      { flags: '--skip-script-validation', text: 'accepted for scripts; there is no script to check' },
      { flags: '--vscode-debug', text: 'not here: no code of yours runs in an instance' },
      { flags: '--web', text: 'not in this release: there is no page to open' },
      noWaitOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea online-deployment create --file deployment.yml --all-traffic',
      'fovea online-deployment create -f deployment.yml --name green --set model=azureml:pets:2 instance_count=3',
    ],
    async run(options) {
      const write = await writer(options);
      refuse(options);
      if (options.allTraffic && !options.wait)
        throw new UsageError(
          '--all-traffic and --no-wait at once',
          'traffic is given to what is ready: leave --no-wait out',
        );
      sayLocal(context, options);
      const { readOnlineDeployment } = await context.services.endpoints();
      const about = 'the command line';
      const spec = await readEndpointFile(context, readOnlineDeployment, options, { about, given: givenBy(options) });
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const where = { baseFolder: baseFolderOf(options), anywhere: true };
        const started = await endpoints.deploy(spec, where, { create: true }).catch((error) => {
          throw withoutEndpoint(error, options, spec.endpoint_name);
        });
        const record = options.wait ? await followDeployment(context, options, endpoints, started) : started;
        if (record === null) return;
        if (options.allTraffic) await giveAllTraffic(context, options, endpoints, record);
        if (!options.onlyShowErrors) err.write(await nextWords(options, endpoints, record));
        await write(record, [rowOf(record)]);
      });
    },
  });

  /** What to type next: give it traffic, or ask it. */
  const nextWords = async (
    options: CommonOptions,
    endpoints: OnlineEndpoints,
    { endpoint_name: endpoint, name }: OnlineDeploymentRecord,
  ): Promise<string> => {
    const { traffic } = await endpoints.find(endpoint);
    const words = (verb: string) => `fovea online-endpoint ${verb}${workspaceWords(options)} --name ${endpoint}`;
    const isNamed = (traffic[name] ?? 0) === 100;
    const ask = entryLine(
      err,
      'ask',
      `${words('invoke')} ${isNamed ? '' : `--deployment-name ${name} `}--image photo.jpg`,
    );
    const give = entryLine(err, 'traffic', `${words('update')} --traffic "${name}=100"`);
    return `${isNamed ? '' : `${give}\n`}${ask}\n`;
  };

  const update = command<ChangeOptions>(context, {
    usage: 'update',
    summary: 'change a deployment while it answers: model, instance_count, limits, probes',
    about: [
      'Where instances have to be others, new ones are started first, and those before them end what they were asked; no request is lost.',
      'When the new ones do not come up, the deployment goes on as it was, and the command fails.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [fileOption('the deployment'), ...ofFile, ...changeOptions, localOption, noWaitOption],
    defaultOutput: 'json',
    examples: [
      'fovea online-deployment update --endpoint-name pets --name blue --set instance_count=3',
      'fovea online-deployment update -e pets -n blue --set model=azureml:pets@latest',
      'fovea online-deployment update --file deployment.yml',
    ],
    async run(options) {
      const write = await writer(options);
      sayLocal(context, options);
      const endpoint = options.endpointName ?? (await nameInFile(options.file, 'endpoint_name'));
      const name = options.name ?? (await nameInFile(options.file, 'name'));
      if (endpoint === undefined || name === undefined)
        throw new UsageError('which deployment is to be changed?', '--endpoint-name pets --name blue');
      if (!isChange(options)) throw new UsageError('nothing is to be changed', '--set instance_count=3');
      const { readOnlineDeployment } = await context.services.endpoints();
      const given = givenBy({ ...options, endpointName: endpoint, name });
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const base = await endpoints.findDeployment(endpoint, name);
        const spec = await readEndpointFile(context, readOnlineDeployment, options, { about: name, given, base });
        const where = { baseFolder: baseFolderOf(options), anywhere: true };
        const started = await endpoints.deploy(spec, where, { revision: base.revision });
        const record = options.wait ? await followDeployment(context, options, endpoints, started) : started;
        if (record !== null) await write(record, [rowOf(record)]);
      });
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    summary: 'print a deployment: its state, and that of each instance',
    azure: true,
    server: 'asked',
    options: [endpointOption, nameOption, localOption],
    defaultOutput: 'json',
    examples: ['fovea online-deployment show --endpoint-name pets --name blue --query instances -o table'],
    async run(options) {
      const write = await writer(options);
      const record = await withOnlineEndpoints(context, options, (endpoints) =>
        endpoints.findDeployment(options.endpointName, options.name),
      );
      await write(record, [rowOf(record)]);
    },
  });

  const list = command<Named>(context, {
    usage: 'list',
    summary: 'print the deployments of an endpoint',
    azure: true,
    server: 'asked',
    options: [endpointOption, localOption],
    defaultOutput: 'json',
    examples: ['fovea online-deployment list --endpoint-name pets -o table'],
    async run(options) {
      const write = await writer(options);
      const records = await withOnlineEndpoints(context, options, (endpoints) =>
        endpoints.listDeployments(options.endpointName),
      );
      await write(records, records.map(rowOf));
    },
  });

  const remove = command<Named & { yes?: boolean; wait: boolean }>(context, {
    usage: 'delete',
    summary: 'end the instances of a deployment that has no traffic, and remove it',
    azure: true,
    server: 'asked',
    options: [endpointOption, nameOption, { flags: '-y, --yes', text: 'do not ask' }, localOption, noWaitOption],
    examples: ['fovea online-deployment delete --endpoint-name pets --name blue --yes'],
    async run(options) {
      const { endpointName: endpoint, name } = options;
      await withOnlineEndpoints(context, options, async (endpoints) => {
        await endpoints.findDeployment(endpoint, name);
        if (!options.yes && !(await agreed(context.terminal, `Delete ${name} of ${endpoint}?`)))
          throw new CommandFailure('nothing was deleted');
        await endpoints.deleteDeployment(endpoint, name);
        if (options.wait) await endpoints.settled(endpoint, name);
        if (!options.onlyShowErrors) err.write(`  ${name} of ${endpoint} is deleted\n`);
      });
    },
  });

  const getLogs = command<Named & { lines: number; container: 'inference-server' | 'storage-initializer' }>(context, {
    usage: 'get-logs',
    summary: 'print the last lines of what the instances of a deployment said',
    azure: true,
    server: 'asked',
    options: [
      endpointOption,
      nameOption,
      { flags: '-l, --lines <n>', text: 'so many lines', fallback: 5000, read: positiveInteger },
      {
        flags: '-c, --container <name>',
        text: 'inference-server: the instances; storage-initializer: what was done before they were started',
        choices: ['inference-server', 'storage-initializer'],
        fallback: 'inference-server',
      },
      localOption,
    ],
    examples: ['fovea online-deployment get-logs --endpoint-name pets --name blue --lines 100'],
    async run(options) {
      const { endpointName: endpoint, name, lines, container } = options;
      const text = await withOnlineEndpoints(context, options, (endpoints) =>
        endpoints.logs(endpoint, name, { lines, container }),
      );
      out.write(printableLines(text));
      if (text === '' && !options.onlyShowErrors) err.write(`  ${name} of ${endpoint} has said nothing yet\n`);
    },
  });

  return [create, update, show, list, remove, getLogs];
}

/** Gives all requests of an endpoint to one deployment, and waits until it is so. */
export async function giveAllTraffic(
  context: Context,
  options: CommonOptions,
  endpoints: OnlineEndpoints,
  { endpoint_name: endpoint, name }: OnlineDeploymentRecord,
): Promise<void> {
  const { readOnlineEndpoint } = await context.services.endpoints();
  const argument = '--all-traffic';
  await changeEndpoint(endpoints, endpoint, (base) => {
    const { [name]: _, ...mirror } = base.mirror_traffic;
    const given: GivenValue[] = [
      { key: 'traffic', value: { [name]: 100 }, argument },
      { key: 'mirror_traffic', value: mirror, argument },
    ];
    return readEndpointFile(context, readOnlineEndpoint, { onlyShowErrors: true }, { about: endpoint, given, base });
  });
  await endpoints.applied(endpoint);
  if (!options.onlyShowErrors) context.terminal.err.write(`  all requests to ${endpoint} go to ${name}\n`);
}

/** @throws UsageError for what is there in Azure, and not here */
function refuse({ vscodeDebug, web }: ChangeOptions): void {
  if (vscodeDebug)
    throw new UsageError(
      '--vscode-debug: no code of yours runs in an instance',
      'fovea online-deployment get-logs shows what it says',
    );
  if (web) throw new UsageError('--web: this release has no page to open', 'leave it out');
}

/** What to do when the endpoint is not there. */
function withoutEndpoint(error: unknown, options: CommonOptions, endpoint: string): unknown {
  if (!isRefusal(error, 'EndpointNotFound')) return error;
  const hint = `fovea online-endpoint create${workspaceWords(options)} --name ${endpoint} makes it`;
  return new CommandFailure((error as Error).message, { hint });
}

function givenBy({ endpointName, name }: ChangeOptions): GivenValue[] {
  const endpoint = { key: 'endpoint_name', value: endpointName, argument: `--endpoint-name ${endpointName}` };
  return [
    ...(name === undefined ? [] : [{ key: 'name', value: name, argument: `--name ${name}` }]),
    ...(endpointName === undefined ? [] : [endpoint]),
  ];
}

/** What one looks for in a list. */
const rowOf = ({ name, model, provisioning_state, instance_count, instances, error }: OnlineDeploymentRecord) => ({
  ...{ name, state: provisioning_state, model },
  ready: `${instances.filter(({ state }) => state === 'ready').length} of ${instance_count}`,
  restarts: instances.reduce((sum, { restarts }) => sum + restarts, 0),
  ...(error !== null && { error }),
});
