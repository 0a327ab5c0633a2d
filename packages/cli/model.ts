import { resolve } from 'node:path';
import type { ModelType } from '@fovea/platform/registry';
import type { Command } from 'commander';
import { type AssetOptions, assetOptions, saidAsset } from './asset-options.ts';
import { type AssetWords, assetUpkeepCommands, versionOf, versionOptions, withRegistry } from './asset-upkeep.ts';
import { type CommonOptions, type Context, command } from './command.ts';
import { CommandFailure } from './failure.ts';
import { resultWriter } from './output.ts';

const types = ['custom_model', 'mlflow_model', 'triton_model'] as const satisfies readonly ModelType[];

interface DownloadOptions extends CommonOptions {
  name: string;
  version?: string;
  label?: string;
  downloadPath: string;
}

/** `fovea model <verb>`. */
export function modelCommands(context: Context): Command[] {
  const { out, err } = context.terminal;

  const create = command<AssetOptions & CommonOptions>(context, {
    usage: 'create',
    summary: 'register a model under a name and a version',
    about: [
      'Its files are copied into the workspace, with a hash for each, and never change; deleting the job that it comes from does not',
      'touch them. --path is what a trial left, as in Azure, or a folder or file: a model that was downloaded and edited, for example.',
      'An mlflow_model may also be packed as .zip, .tar, .tar.gz or .tgz; of a custom_model such a file is kept as it is.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: assetOptions('model', types),
    defaultOutput: 'json',
    examples: [
      'fovea model create --name pets --path azureml://jobs/amber_lynx_HD_3/outputs/artifacts/outputs/mlflow-model/ --type mlflow_model',
      'fovea model create --name pets --path azureml://jobs/amber_lynx/outputs/best_model --type mlflow_model',
      'fovea model create --name pets --path mlflow-model.zip --type mlflow_model',
      'fovea model create --file model.yml --set version=7',
    ],
    async run(options) {
      const write = await resultWriter(out, { output: options.output ?? 'json', query: options.query });
      const { baseFolder, type, ...said } = await saidAsset('model', options);
      const known = types.find((one) => one === type);
      if (type !== undefined && known === undefined)
        throw new CommandFailure(`type: ${type} is none of ${types.join(', ')}`);
      await withRegistry(context, options, async (registry, recordOf) => {
        const model = { ...said, ...(known !== undefined && { type: known }) };
        await write(recordOf(await registry.createModel(model, { baseFolder, anywhere: true })));
      });
    },
  });

  const download = command<DownloadOptions>(context, {
    usage: 'download',
    summary: 'copy the files of a model into a folder of its name',
    about: 'There they may be edited, artifacts/settings.json for example, and registered again as another version.',
    azure: true,
    server: 'asked',
    options: [
      ...versionOptions,
      { flags: '-p, --download-path <folder>', text: 'where the folder is made', fallback: '.' },
    ],
    examples: ['fovea model download --name pets --version 2 --download-path models/'],
    async run(options) {
      await withRegistry(context, options, async (registry) => {
        const row = await registry.find('model', options.name, versionOf(options));
        const folder = await registry.download(row, resolve(options.downloadPath));
        if (!options.onlyShowErrors) err.write(`  ${row.name}, version ${row.version}: ${folder}\n`);
      });
    },
  });

  const words: AssetWords = { kind: 'model', group: 'fovea model', one: 'a model', many: 'models', example: 'pets' };
  return [create, download, ...assetUpkeepCommands(context, words)];
}
