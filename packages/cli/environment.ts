import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EnvironmentFile, EnvironmentSpec } from '@fovea/platform/registry';
import type { Command } from 'commander';
import { type AssetWords, assetUpkeepCommands } from './asset-upkeep.ts';
import { assignments, type CommonOptions, type Context, command } from './command.ts';
import { baseFolderOf, readEndpointFile, setOption } from './endpoint-file.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { resultWriter } from './output.ts';
import { databaseOf } from './workspace.ts';

interface CreateOptions extends CommonOptions {
  file?: string;
  name?: string;
  version?: string;
  image?: string;
  condaFile?: string;
  buildContext?: string;
  dockerfilePath?: string;
  osType?: string;
  description?: string;
  tags?: string[];
  set?: string[];
  datastore?: string;
}

/** `fovea environment create|list|show|update|archive|restore`. */
export function environmentCommands(context: Context): Command[] {
  const create = command<CreateOptions>(context, {
    usage: 'create',
    summary: 'keep an environment under a name and a version',
    about:
      'Nothing runs in it here: trials and deployments run in Fovea itself. It is kept for scripts that make and look up environments.',
    azure: true,
    options: [
      { flags: '-f, --file <file.yml>', text: 'YAML of an environment; what is said here wins' },
      { flags: '-n, --name <name>', text: 'its name' },
      { flags: '-v, --version <version>', text: 'its version; the next whole number when left out' },
      { flags: '-i, --image <image>', text: 'the image of a container' },
      { flags: '-c, --conda-file <file.yml>', text: 'conda packages on top of the image' },
      { flags: '-b, --build-context <folder>', text: 'a folder with a Dockerfile, instead of an image' },
      { flags: '-d, --dockerfile-path <path>', text: 'the Dockerfile in it' },
      { flags: '--os-type <type>', text: 'linux or windows' },
      { flags: '--description <text>', text: 'what it is for' },
      { flags: '--tags <key=value...>', text: 'tags', read: assignments },
      { flags: '--datastore <name>', text: 'refused: nothing is sent anywhere' },
      setOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea environment create --name torch --image pytorch/pytorch:2.4.0 --conda-file conda.yml',
      'fovea environment create --file environment.yml',
    ],
    async run(options) {
      const write = await resultWriter(context.terminal.out, {
        output: options.output ?? 'json',
        query: options.query,
      });
      if (options.datastore !== undefined)
        throw new UsageError('--datastore: a build context stays where it is, and is sent nowhere', 'leave it out');
      if (options.dockerfilePath !== undefined && options.buildContext === undefined && options.file === undefined)
        throw new UsageError('--dockerfile-path lies in a --build-context', '--build-context folder');
      const { openRegistry, environmentRecord, readEnvironmentFile } = await context.services.registry();
      const about = 'the command line';
      const said = await readEndpointFile(context, readEnvironmentFile, options, { about, given: givenBy(options) });
      const { name, version, description, tags, properties } = said;
      // What the command line names begins where it was typed.
      const folder = options.condaFile === undefined ? baseFolderOf(options) : process.cwd();
      const spec = await specOf(said, folder);
      const registry = await openRegistry({ folder: resolve(options.workspace), ...databaseOf(options) });
      try {
        const row = await registry.createEnvironment({ name, version, description, tags, properties, spec });
        await write(environmentRecord(row));
      } finally {
        await registry.close();
      }
    },
  });

  const words: AssetWords = {
    ...{ kind: 'environment', group: 'fovea environment', one: 'an environment', many: 'environments' },
    example: 'torch',
  };
  return [create, ...assetUpkeepCommands(context, words)];
}

function givenBy({ buildContext, dockerfilePath, condaFile, osType, tags = [], ...options }: CreateOptions) {
  const build = buildContext === undefined ? undefined : { path: buildContext, dockerfile_path: dockerfilePath };
  const values = {
    ...{ name: options.name, version: options.version, image: options.image, conda_file: condaFile, os_type: osType },
    ...{ description: options.description, build: build && JSON.parse(JSON.stringify(build)) },
    tags: tags.length === 0 ? undefined : Object.fromEntries(tags.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
  };
  return Object.entries(values).flatMap(([key, value]) => {
    const argument = `--${key.replaceAll('_', '-')} ${typeof value === 'string' ? value : ''}`.trim();
    return value === undefined ? [] : [{ key, value, argument }];
  });
}

/** An environment as REST has it; the conda file is read where only its path is given. @throws CommandFailure */
async function specOf(
  { image, build, conda_file, os_type, inference_config }: EnvironmentFile,
  folder: string,
): Promise<EnvironmentSpec> {
  return {
    ...(image !== undefined && { image }),
    ...(build && {
      build: {
        contextUri: resolve(folder, build.path),
        ...(build.dockerfile_path !== undefined && { dockerfilePath: build.dockerfile_path }),
      },
    }),
    ...(conda_file !== undefined && { condaFile: await condaText(conda_file, folder) }),
    ...(os_type !== undefined && { osType: os_type === 'linux' ? ('Linux' as const) : ('Windows' as const) }),
    ...(inference_config && { inferenceConfig: inference_config }),
  };
}

async function condaText(given: string | object, folder: string): Promise<string> {
  if (typeof given === 'object') return (await import('yaml')).stringify(given);
  const file = resolve(folder, given);
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandFailure(`conda_file: ${file} cannot be read: ${error.message}`);
  });
}
