import type { GivenValue, OnlineEndpointRecord } from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { agreed } from './agreement.ts';
import type { AzureScope } from './az-spelling.ts';
import { type CommonOptions, type Context, command, type OptionSpec } from './command.ts';
import { changeOptions, fileOption, isChange, readEndpointFile, type SpecOptions, setOption } from './endpoint-file.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { type InvokeOptions, invokeEndpoint } from './invoke-endpoint.ts';
import {
  changeEndpoint,
  isRefusal,
  localOption,
  noWaitOption,
  percentWords,
  sayLocal,
  withOnlineEndpoints,
} from './online-endpoints.ts';
import { resultWriter } from './output.ts';
import { counted } from './quantities.ts';
import { percentsOf } from './spec-changes.ts';
import { entryLine } from './summary.ts';
import { nameInFile } from './text-file.ts';
import { workspaceWords } from './workspace.ts';

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: "the endpoint's name", required: true };

interface Named extends CommonOptions {
  name: string;
  local?: boolean;
}

interface ChangeOptions extends CommonOptions, AzureScope, SpecOptions {
  name?: string;
  authMode?: string;
  traffic?: string[];
  mirrorTraffic?: string[];
  defaults?: string[];
  local?: boolean;
  wait: boolean;
}

/** `fovea online-endpoint <verb>`. */
export function onlineEndpointCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });
  const say = (options: CommonOptions, text: string) => {
    if (!options.onlyShowErrors) err.write(`  ${text}\n`);
  };

  const create = command<ChangeOptions>(context, {
    usage: 'create',
    summary: 'make an endpoint: an address with keys, that deployments answer at',
    about:
      'One of this name is changed to what the file says; the traffic of its deployments stays, unless the file gives it.',
    azure: true,
    server: 'asked',
    options: [
      fileOption('the endpoint'),
      { flags: '-n, --name <name>', text: 'its name: 3 to 32 letters, digits and single dashes' },
      authModeOption,
      setOption,
      localOption,
      noWaitOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea online-endpoint create --name pets',
      'fovea online-endpoint create --file endpoint.yml --set auth_mode=aml_token',
    ],
    async run(options) {
      const write = await writer(options);
      sayLocal(context, options);
      const { readOnlineEndpoint } = await context.services.endpoints();
      const given = givenBy(options);
      const about = 'the command line';
      const again = { ...options, onlyShowErrors: true };
      if (options.file === undefined && options.name === undefined && options.set === undefined)
        throw new UsageError('the endpoint has no name', '--name pets, or a --file that has one');
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const endpoint = await readEndpointFile(context, readOnlineEndpoint, options, { about, given });
        const before = await endpoints.find(endpoint.name).catch((error) => {
          if (isRefusal(error, 'not-found')) return null;
          throw error;
        });
        const stored =
          before === null
            ? await endpoints.put(endpoint)
            : await changeEndpoint(endpoints, endpoint.name, ({ traffic, mirror_traffic }) =>
                readEndpointFile(context, readOnlineEndpoint, again, {
                  about,
                  given,
                  base: { traffic, mirror_traffic },
                }),
              );
        const record = options.wait ? ((await endpoints.applied(stored.name)) ?? stored) : stored;
        if (before === null && !options.onlyShowErrors) err.write(nextWords(record, options));
        await write(record, [rowOf(record)]);
      });
    },
  });

  const nextWords = ({ name }: OnlineEndpointRecord, options: CommonOptions) => {
    const deploy = `fovea online-deployment create${workspaceWords(options)} --file deployment.yml --endpoint-name ${name} --all-traffic`;
    return `${entryLine(err, 'deploy', deploy)}\n`;
  };

  const update = command<ChangeOptions>(context, {
    usage: 'update',
    summary: 'change an endpoint: traffic, mirrored traffic, tags, who may ask',
    about: [
      'Traffic is percents by deployment, 100 in all; those that are not named get none. Requests go by it as soon as this has ended, and none',
      'is lost. --mirror-traffic sends copies of some requests to one deployment that has no traffic, and throws its answers away; 0 ends it.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: "the endpoint's name; that of the file when left out" },
      fileOption('the endpoint'),
      { flags: '-r, --traffic <pairs...>', text: 'percents by deployment, as "blue=90 green=10"' },
      { flags: '--mirror-traffic <pairs...>', text: 'one deployment and its percent, 50 at most, as "green=10"' },
      { flags: '--defaults <pairs...>', text: 'of batch endpoints; --traffic says who answers here' },
      ...changeOptions,
      localOption,
      noWaitOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea online-endpoint update --name pets --traffic "blue=90 green=10"',
      'fovea online-endpoint update --name pets --mirror-traffic "green=20"',
      'fovea online-endpoint update --name pets --set tags.owner=me public_network_access=disabled',
    ],
    async run(options) {
      const write = await writer(options);
      sayLocal(context, options);
      if (options.defaults !== undefined)
        throw new UsageError('an online endpoint has no defaults', '--traffic "blue=100" says who answers');
      const name = options.name ?? (await nameInFile(options.file, 'name'));
      if (name === undefined) throw new UsageError('which endpoint is to be changed?', '--name pets');
      if (!isChange(options) && options.traffic === undefined && options.mirrorTraffic === undefined)
        throw new UsageError('nothing is to be changed', '--traffic "blue=100", or --set tags.owner=me');
      const { readOnlineEndpoint } = await context.services.endpoints();
      const given = [...givenBy({ ...options, name }), ...percentsGiven(options)];
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const stored = await changeEndpoint(endpoints, name, (base) =>
          readEndpointFile(context, readOnlineEndpoint, options, { about: name, given, base }),
        );
        const record = options.wait ? ((await endpoints.applied(name)) ?? stored) : stored;
        await write(record, [rowOf(record)]);
      });
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    summary: 'print an endpoint: its address, its state, its traffic',
    azure: true,
    server: 'asked',
    options: [nameOption, localOption],
    defaultOutput: 'json',
    examples: [
      'fovea online-endpoint show --name pets --query scoring_uri -o tsv',
      'fovea online-endpoint show --name pets --query traffic',
    ],
    async run(options) {
      const write = await writer(options);
      const record = await withOnlineEndpoints(context, options, (endpoints) => endpoints.find(options.name));
      await write(record, [rowOf(record)]);
    },
  });

  const list = command<CommonOptions>(context, {
    usage: 'list',
    summary: 'print the endpoints of the workspace, newest first',
    azure: true,
    server: 'asked',
    options: [localOption],
    defaultOutput: 'json',
    examples: ['fovea online-endpoint list -o table'],
    async run(options) {
      const write = await writer(options);
      const records = await withOnlineEndpoints(context, options, (endpoints) => endpoints.list());
      await write(records, records.map(rowOf));
    },
  });

  const remove = command<Named & { yes?: boolean; wait: boolean }>(context, {
    usage: 'delete',
    summary: 'remove an endpoint with its deployments; the models stay',
    azure: true,
    server: 'asked',
    options: [nameOption, { flags: '-y, --yes', text: 'do not ask' }, localOption, noWaitOption],
    examples: ['fovea online-endpoint delete --name pets --yes'],
    async run(options) {
      const { name } = options;
      await withOnlineEndpoints(context, options, async (endpoints) => {
        const deployments = await endpoints.listDeployments(name);
        const many = deployments.length === 1 ? 'deployment' : counted(deployments.length, 'deployment');
        const what = deployments.length === 0 ? name : `${name} and its ${many}`;
        if (!options.yes && !(await agreed(context.terminal, `Delete ${what}?`)))
          throw new CommandFailure('nothing was deleted');
        await endpoints.delete(name);
        if (options.wait) await Promise.all(deployments.map((one) => endpoints.settled(name, one.name)));
        say(options, `${what} ${deployments.length === 0 ? 'is' : 'are'} deleted`);
      });
    },
  });

  const invoke = command<InvokeOptions>(context, {
    usage: 'invoke',
    summary: 'send a request or pictures to an endpoint, and print its answer',
    about: [
      'A request file is sent as it is: JSON as {"input_data": {"columns": ["image"], "data": ["<base64>"]}}. Pictures need none: each is sent',
      'in a request of its own, and the answer is {file, probs, labels} or {file, boxes}; as a table, the likeliest labels or what was found.',
      'An endpoint of auth_mode aad_token is asked with the token in FOVEA_TOKEN.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      nameOption,
      { flags: '-r, --request-file <file>', text: 'what to send' },
      { flags: '--image <files...>', text: 'pictures instead: files, folders, or quoted patterns' },
      { flags: '-d, --deployment-name <name>', text: 'this deployment, whatever traffic it has' },
      localOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea online-endpoint invoke --name pets --image photo.jpg -o table',
      'fovea online-endpoint invoke --name pets --request-file sample_request_data.json',
      'fovea online-endpoint invoke --name pets --deployment-name green --image photos/',
    ],
    async run(options) {
      const write = await writer(options);
      sayLocal(context, options);
      await withOnlineEndpoints(context, options, (endpoints) => invokeEndpoint(context, options, endpoints, write));
    },
  });

  const getCredentials = command<Named>(context, {
    usage: 'get-credentials',
    summary: 'print the keys of an endpoint, or of auth_mode aml_token a token',
    azure: true,
    server: 'asked',
    options: [nameOption],
    defaultOutput: 'json',
    examples: ['fovea online-endpoint get-credentials --name pets --query primaryKey -o tsv'],
    async run(options) {
      const write = await writer(options);
      await write(await withOnlineEndpoints(context, options, (endpoints) => endpoints.credentials(options.name)));
    },
  });

  const regenerateKeys = command<Named & { keyType: 'primary' | 'secondary'; wait: boolean }>(context, {
    usage: 'regenerate-keys',
    summary: 'replace a key of an endpoint, and print its credentials; the old key is not taken any more',
    about: 'Callers that have the other key go on: give them the new one, then replace the other.',
    azure: true,
    server: 'asked',
    options: [
      nameOption,
      {
        flags: '--key-type <primary|secondary>',
        text: 'which key',
        fallback: 'primary',
        read: keyType,
      },
      noWaitOption,
    ],
    defaultOutput: 'json',
    examples: ['fovea online-endpoint regenerate-keys --name pets --key-type secondary'],
    async run(options) {
      const write = await writer(options);
      await withOnlineEndpoints(context, options, async (endpoints) => {
        await endpoints.regenerateKey(options.name, options.keyType);
        if (options.wait) await endpoints.applied(options.name);
        await write(await endpoints.credentials(options.name));
      });
    },
  });

  return [create, update, show, list, remove, invoke, getCredentials, regenerateKeys];
}

const authModeOption: OptionSpec = {
  flags: '--auth-mode <mode>',
  text: 'what callers show: key, aml_token, aad_token',
};

function keyType(text: string): string {
  const word = text.toLowerCase();
  if (word === 'primary' || word === 'secondary') return word;
  throw new UsageError(`--key-type ${text} is no key`, 'there are primary and secondary');
}

/** What the options say of an endpoint. */
function givenBy({ name, authMode }: ChangeOptions): GivenValue[] {
  return [
    ...(name === undefined ? [] : [{ key: 'name', value: name, argument: `--name ${name}` }]),
    ...(authMode === undefined ? [] : [{ key: 'auth_mode', value: authMode, argument: `--auth-mode ${authMode}` }]),
  ];
}

function percentsGiven({ traffic, mirrorTraffic }: ChangeOptions): GivenValue[] {
  const given = (key: string, flag: string, words: readonly string[] | undefined) =>
    words === undefined ? [] : [{ key, value: percentsOf(words, flag), argument: `${flag} ${words.join(' ')}` }];
  return [...given('traffic', '--traffic', traffic), ...given('mirror_traffic', '--mirror-traffic', mirrorTraffic)];
}

/** What one looks for in a list. */
const rowOf = ({
  name,
  auth_mode,
  provisioning_state,
  traffic,
  mirror_traffic,
  scoring_uri,
}: OnlineEndpointRecord) => ({
  ...{ name, state: provisioning_state, auth_mode, traffic: percentWords(traffic) },
  ...(Object.keys(mirror_traffic).length > 0 && { mirrored: percentWords(mirror_traffic) }),
  scoring_uri,
});
