import type { DataType } from '@fovea/platform/registry';
import type { Command } from 'commander';
import { type AssetOptions, assetOptions, saidAsset } from './asset-options.ts';
import { type AssetWords, assetUpkeepCommands, withRegistry } from './asset-upkeep.ts';
import { type CommonOptions, type Context, command } from './command.ts';
import { CommandFailure } from './failure.ts';
import { resultWriter } from './output.ts';

const types = ['uri_folder', 'uri_file', 'mltable'] as const satisfies readonly DataType[];

/** `fovea data create|list|show|update|archive|restore`: data under names and versions. */
export function dataAssetCommands(context: Context): Command[] {
  const create = command<AssetOptions & CommonOptions>(context, {
    usage: 'create',
    summary: 'register data under a name and a version',
    about: [
      'Jobs then name it: training_data.path: azureml:pets:1, or azureml:pets@latest. Its files stay where they are; the hash of each is',
      'kept, and a job that is to be trained on data that has changed since is refused.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: assetOptions('data', types),
    defaultOutput: 'json',
    examples: [
      'fovea data create --name pets --path pictures/',
      'fovea data create --name pets --path training-mltable-folder/ --type mltable --tags source=camera',
    ],
    async run(options) {
      const { out } = context.terminal;
      const write = await resultWriter(out, { output: options.output ?? 'json', query: options.query });
      const { baseFolder, type, ...said } = await saidAsset('data', options);
      const known = types.find((one) => one === type);
      if (type !== undefined && known === undefined)
        throw new CommandFailure(`type: ${type} is none of ${types.join(', ')}`);
      await withRegistry(context, options, async (registry, recordOf) => {
        const data = { ...said, ...(known !== undefined && { type: known }) };
        await write(recordOf(await registry.createData(data, { baseFolder, anywhere: true })));
      });
    },
  });
  const words: AssetWords = { kind: 'data', group: 'fovea data', one: 'data', many: 'data', example: 'pets' };
  return [create, ...assetUpkeepCommands(context, words)];
}
