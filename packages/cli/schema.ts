import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { resultWriter } from './output.ts';

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
  return [job];
}
