import type { JobSummary } from '@fovea/platform';
import type { Command } from 'commander';
import { agreed } from './agreement.ts';
import { withBatchEndpoints } from './batch-services.ts';
import { type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { batchWords, createdOf, tookOf } from './job-words.ts';
import { resultWriter } from './output.ts';

export interface Deletable extends CommonOptions {
  yes?: boolean;
}

/** Asks, unless `--yes` was said. @throws CommandFailure when the answer is no, UsageError where nobody can be asked */
export async function toDelete({ terminal }: Context, { yes }: Deletable, question: string): Promise<void> {
  if (yes || (await agreed(terminal, question))) return;
  throw new CommandFailure('nothing was deleted');
}

interface ListJobsOptions extends CommonOptions {
  name: string;
  endpointName?: string;
  maxResults: number;
}

/** `fovea batch-endpoint|batch-deployment list-jobs`. */
export function batchJobsCommand(context: Context, of: 'endpoint' | 'deployment'): Command {
  const isDeployment = of === 'deployment';
  const group = `fovea batch-${of}`;
  return command<ListJobsOptions>(context, {
    usage: 'list-jobs',
    summary: `print the jobs of a batch ${of}, newest first`,
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: `name of the ${of}`, required: true },
      ...(isDeployment ? [{ flags: '-e, --endpoint-name <name>', text: 'its endpoint' }] : []),
      { flags: '-r, --max-results <n>', text: 'at most so many', fallback: 50, read: positiveInteger },
    ],
    defaultOutput: 'json',
    examples: [`${group} list-jobs --name ${isDeployment ? 'blue --endpoint-name pets-batch' : 'pets-batch'} -o table`],
    async run(options) {
      if (isDeployment && options.endpointName === undefined)
        throw new UsageError(`${group} list-jobs needs -e, --endpoint-name <name>`);
      const write = await resultWriter(context.terminal.out, {
        output: options.output ?? 'json',
        query: options.query,
      });
      const { name, endpointName, maxResults: most } = options;
      const jobs = await withBatchEndpoints(context, options, (endpoints) =>
        endpointName === undefined
          ? endpoints.jobs(name, { most })
          : endpoints.jobs(endpointName, { deployment: name, most }),
      );
      await write(jobs, jobs.map(batchRow));
    },
  });
}

const batchRow = (job: JobSummary): Record<string, unknown> => ({
  ...{ name: job.name, status: job.status, progress: job.batch && batchWords(job.batch) },
  ...{ created: createdOf(job), took: tookOf(job) },
});
