import { resolve } from 'node:path';
import type { Computes, NamedCompute } from '@fovea/platform/computes';
import type { GivenValue } from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { agreed } from './agreement.ts';
import { assignments, type CommonOptions, type Context, command, type OptionSpec } from './command.ts';
import { changeOptions, readEndpointFile, type SpecOptions, setOption } from './endpoint-file.ts';
import { UsageError } from './failure.ts';
import { resultWriter } from './output.ts';
import { databaseOf } from './workspace.ts';

interface CreateOptions extends CommonOptions, SpecOptions {
  name?: string;
  tags?: string[];
}

interface Named extends CommonOptions {
  name: string;
  yes?: boolean;
}

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: 'its name', required: true };
const noWait: OptionSpec = { flags: '--no-wait', text: 'there is nothing to wait for' };

/** Options of `create` and `update` that are keys of the file, and those that only `az` has a use for. */
const keys = {
  name: { flags: '-n, --name <name>', text: 'its name' },
  type: { flags: '-t, --type <type>', text: 'AmlCompute or ComputeInstance' },
  size: { flags: '--size <size>', text: 'kind of machine in Azure; kept' },
  min_instances: { flags: '--min-instances <n>', text: 'kept: nothing runs between jobs' },
  max_instances: { flags: '--max-instances <n>', text: 'trials of its jobs at the same time (4 when left out)' },
  idle_time_before_scale_down: { flags: '-d, --idle-time-before-scale-down <seconds>', text: 'kept' },
  tier: { flags: '--tier <tier>', text: 'dedicated or low_priority; kept' },
  location: { flags: '-l, --location <region>', text: 'kept' },
  description: { flags: '--description <text>', text: 'what it is for' },
} as const satisfies Record<string, OptionSpec>;

const refused: Readonly<Record<string, OptionSpec>> = {
  network_settings: { flags: '--vnet-name <name>', text: 'refused: Fovea makes no networks' },
  subnet: { flags: '--subnet <id>', text: 'refused: Fovea makes no networks' },
  ssh_public_access_enabled: { flags: '--ssh-public-access-enabled [yes]', text: 'refused: Fovea gives nobody access' },
  ssh_settings: { flags: '--ssh-key-value <key>', text: 'refused: Fovea gives nobody access' },
  admin_username: { flags: '--admin-username <name>', text: 'refused: Fovea makes no accounts' },
  admin_password: { flags: '--admin-password <text>', text: 'refused: Fovea makes no accounts' },
  identity: { flags: '--identity-type <type>', text: 'has no effect: trials run as who started Fovea' },
  user_assigned_identities: { flags: '-i, --user-assigned-identities <ids>', text: 'has no effect' },
};

const nameOfFlag = (flags: string) => /--([\w-]+)/.exec(flags)?.[1] ?? '';
const typed = (options: object, flags: string): unknown =>
  (options as Record<string, unknown>)[nameOfFlag(flags).replace(/-(\w)/g, (_, letter) => letter.toUpperCase())];

/** `fovea compute <verb>`. */
export function computeCommands(context: Context): Command[] {
  const { out, err } = context.terminal;
  const writer = (options: CommonOptions) =>
    resultWriter(out, { output: options.output ?? 'json', query: options.query });
  const say = (options: CommonOptions, text: string) => {
    if (!options.onlyShowErrors) err.write(`  ${text}\n`);
  };

  async function withComputes<T>(options: CommonOptions, work: (computes: Computes) => Promise<T>): Promise<T> {
    const { openComputes } = await context.services.computes();
    const computes = await openComputes({ folder: resolve(options.workspace), ...databaseOf(options) });
    try {
      return await work(computes);
    } finally {
      await computes.close();
    }
  }

  const create = command<CreateOptions>(context, {
    usage: 'create',
    summary: 'give this machine a name that jobs can ask for',
    about: [
      'Job files that come from Azure name a compute. One of that name here is this machine: trials of all jobs that name it run at most',
      '--max-instances at the same time (and no more than the machine has cores or GPUs). A ComputeInstance has one instance, and can be',
      'stopped: its jobs then wait. What a machine of your own has not, as a size, is kept and has no effect. One of this name is replaced.',
    ].join('\n'),
    azure: true,
    options: [
      { flags: '-f, --file <file.yml>', text: 'YAML of a compute; what is said here wins' },
      ...Object.values(keys),
      { flags: '--tags <key=value...>', text: 'tags', read: assignments },
      setOption,
      ...Object.values(refused),
      noWait,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea compute create --name gpu-cluster --type AmlCompute --max-instances 2',
      'fovea compute create --file compute.yml',
    ],
    async run(options) {
      const write = await writer(options);
      const { readComputeFile } = await context.services.computes();
      const given = givenBy(options);
      const compute = await readEndpointFile(context, readComputeFile, options, { about: 'the command line', given });
      await withComputes(options, async (computes) => {
        const record = recordOf(await computes.put(compute));
        await write(record, [rowOf(record)]);
      });
    },
  });

  const update = command<CreateOptions>(context, {
    usage: 'update',
    summary: 'change how many instances a compute has, its description or its tags',
    azure: true,
    options: [
      nameOption,
      ...[keys.max_instances, keys.min_instances, keys.idle_time_before_scale_down, keys.description],
      { flags: '--tags <key=value...>', text: 'tags, instead of those that it has', read: assignments },
      ...changeOptions,
      ...[refused.identity, refused.user_assigned_identities],
      noWait,
    ],
    defaultOutput: 'json',
    examples: ['fovea compute update --name gpu-cluster --max-instances 4 --set tags.owner=me'],
    async run(options) {
      const write = await writer(options);
      const { readComputeFile } = await context.services.computes();
      const name = options.name ?? '';
      await withComputes(options, async (computes) => {
        const before = fileOf(await computes.find(name));
        const given = givenBy(options);
        const changed = await readEndpointFile(context, readComputeFile, options, { about: name, given, base: before });
        if (changed.name !== name)
          throw new UsageError('a compute keeps its name', 'make another: fovea compute create');
        const record = recordOf(await computes.put(changed));
        await write(record, [rowOf(record)]);
      });
    },
  });

  const list = command<CommonOptions & { type?: string }>(context, {
    usage: 'list',
    summary: 'print the computes',
    azure: true,
    options: [{ flags: '-t, --type <type>', text: 'only those of a type: AmlCompute, ComputeInstance' }],
    defaultOutput: 'json',
    examples: ['fovea compute list -o table'],
    async run(options) {
      const write = await writer(options);
      await withComputes(options, async (computes) => {
        const wanted = options.type?.toLowerCase();
        const all = (await computes.list()).map(recordOf);
        const records = all.filter(({ type }) => wanted === undefined || type === wanted);
        await write(records, records.map(rowOf));
      });
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    summary: 'print what is known of a compute',
    azure: true,
    options: [nameOption],
    defaultOutput: 'json',
    examples: ['fovea compute show --name gpu-cluster'],
    async run(options) {
      const write = await writer(options);
      await withComputes(options, async (computes) => write(recordOf(await computes.find(options.name))));
    },
  });

  const listNodes = command<Named>(context, {
    usage: 'list-nodes',
    summary: 'print the instances of a compute, and what they work on',
    azure: true,
    options: [nameOption],
    defaultOutput: 'json',
    examples: ['fovea compute list-nodes --name gpu-cluster -o table'],
    async run(options) {
      const write = await writer(options);
      await withComputes(options, async (computes) => {
        const nodes = await computes.nodes(options.name);
        await write(
          nodes.map(({ id, trial }) => ({
            node_id: id,
            node_state: trial === null ? 'idle' : 'running',
            run_id: trial,
          })),
        );
      });
    },
  });

  const remove = command<Named>(context, {
    usage: 'delete',
    summary: 'remove a compute that no job is to run on; the machine stays',
    azure: true,
    options: [nameOption, { flags: '-y, --yes', text: 'without asking' }, noWait],
    examples: ['fovea compute delete --name gpu-cluster --yes'],
    async run(options) {
      if (!options.yes && !(await agreed(context.terminal, `delete the compute ${options.name}?`))) return;
      await withComputes(options, (computes) => computes.remove(options.name));
      say(options, `${options.name}: deleted`);
    },
  });

  const turn = (usage: 'start' | 'stop' | 'restart', summary: string, done: string) =>
    command<Named>(context, {
      usage,
      summary,
      azure: true,
      options: [nameOption, noWait],
      examples: [`fovea compute ${usage} --name mine`],
      async run(options) {
        await withComputes(options, (computes) => computes.setStopped(options.name, usage === 'stop'));
        say(options, `${options.name}: ${done}`);
      },
    });

  return [
    ...[create, update, list, show, listNodes, remove],
    turn('start', 'let the jobs of a ComputeInstance begin again', 'started'),
    turn('stop', 'let the jobs of a ComputeInstance wait; one that works is not stopped', 'stopped'),
    turn('restart', 'as start', 'started'),
  ];
}

/** @throws UsageError for what nobody can rely on here */
function givenBy(options: CreateOptions): GivenValue[] {
  const given = Object.entries(keys).flatMap(([key, { flags }]): GivenValue[] => {
    const value = typed(options, flags);
    return value === undefined ? [] : [{ key, value, argument: `--${nameOfFlag(flags)} ${value}` }];
  });
  for (const [key, { flags, text }] of Object.entries(refused)) {
    const value = typed(options, flags);
    if (value === undefined || /^(no|false)$/i.test(String(value))) continue;
    const flag = `--${nameOfFlag(flags)}`;
    const [word, ...why] = text.split(': ');
    // What is left is an identity, which has no effect.
    if (word === 'refused') throw new UsageError(`${flag}: ${why.join(': ')}`, 'leave it out');
    given.push({ key: 'identity', value: { [key]: value }, argument: `${flag} ${value}` });
  }
  if (options.tags !== undefined) {
    const tags = Object.fromEntries(options.tags.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
    given.push({ key: 'tags', value: tags, argument: `--tags ${options.tags.join(' ')}` });
  }
  return given;
}

/** As files have it. */
const fileOf = ({ name, type, description, tags, size, location, tier, ...compute }: NamedCompute) => ({
  ...{ name, type: type.toLowerCase(), tags, ...(description !== null && { description }) },
  ...(size !== null && { size }),
  ...(location !== null && { location }),
  ...(type === 'AmlCompute' && {
    ...{ tier: tier === 'Dedicated' ? 'dedicated' : 'low_priority' },
    ...{ min_instances: compute.minInstances, max_instances: compute.maxInstances },
    idle_time_before_scale_down: compute.idleSeconds,
  }),
});

const recordOf = (compute: NamedCompute) => ({
  ...fileOf(compute),
  ...(compute.type === 'ComputeInstance' && { state: compute.isStopped ? 'Stopped' : 'Running' }),
  ...{ provisioning_state: 'Succeeded', created_on: compute.createdAt, changed_on: compute.changedAt },
});

const rowOf = ({ name, type, provisioning_state, ...record }: ReturnType<typeof recordOf>) => ({
  ...{ name, type },
  max_instances: 'max_instances' in record ? record.max_instances : 1,
  state: record.state ?? provisioning_state,
});
