import type { SpecKindName } from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { resultWriter } from './output.ts';

const endpointKinds: readonly SpecKindName[] = [
  'online-endpoint',
  'online-deployment',
  'batch-endpoint',
  'batch-deployment',
];

/** `fovea schema <kind>`. */
export function schemaCommands(context: Context): Command[] {
  const job = command<object>(context, {
    usage: 'job',
    server: 'unneeded',
    summary: 'print the JSON Schema of job files, for editors',
    about: [
      'An editor that has it completes keys and values, shows what they mean and their defaults, and marks what is wrong. In a job',
      'file the first line names it:  # yaml-language-server: $schema=job.schema.json',
      'What depends on several keys, as the sizes that a model takes, is checked by fovea job validate alone.',
    ].join('\n'),
    options: [],
    defaultOutput: 'json',
    examples: ['fovea schema job > job.schema.json'],
    async run(options) {
      const write = await resultWriter(context.terminal.out, {
        output: options.output ?? 'json',
        query: options.query,
      });
      const { editorSchema } = await context.services.automl();
      await write(editorSchema());
    },
  });
  const endpoints = endpointKinds.map((kind) =>
    command<object>(context, {
      usage: kind,
      server: 'unneeded',
      summary: `print the JSON Schema of the files of ${kind.replace('-', ' ')}s`,
      about: `As of job files: the first line of a file names it:  # yaml-language-server: $schema=${kind}.schema.json`,
      options: [],
      defaultOutput: 'json',
      examples: [`fovea schema ${kind} > ${kind}.schema.json`],
      async run(options) {
        const write = await resultWriter(context.terminal.out, {
          output: options.output ?? 'json',
          query: options.query,
        });
        const { endpointEditorSchema } = await context.services.endpoints();
        await write(endpointEditorSchema(kind));
      },
    }),
  );
  return [job, ...endpoints];
}
