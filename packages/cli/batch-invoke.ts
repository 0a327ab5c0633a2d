import type { JobRecord } from '@fovea/platform';
import type { Invocation } from '@fovea/platform/endpoints';
import type { Command } from 'commander';
import { withBatchEndpoints } from './batch-services.ts';
import { assignments, type CommonOptions, type Context, command, positiveInteger } from './command.ts';
import { UsageError } from './failure.ts';
import { followJob, nextWords } from './follow-job.ts';
import { wordOf } from './job-words.ts';
import { resultWriter } from './output.ts';
import { withWorkspace } from './workspace.ts';

interface InvokeOptions extends CommonOptions {
  name: string;
  deploymentName?: string;
  input?: string;
  inputData?: string;
  inputPath?: string;
  inputLocalPath?: string;
  inputType?: string;
  outputPath?: string;
  jobName?: string;
  instanceCount?: number;
  miniBatchSize?: number;
  explain?: (typeof algorithms)[number];
  set?: string[];
  stream?: boolean;
}

const algorithms = [
  'xrai',
  'integrated_gradients',
  'guided_gradcam',
  'guided_backprop',
] as const satisfies readonly NonNullable<Invocation['explain']>[];

/** `fovea batch-endpoint invoke`. */
export function batchInvokeCommand(context: Context): Command {
  const { terminal } = context;
  return command<InvokeOptions>(context, {
    usage: 'invoke',
    summary: 'score a folder of pictures, or a table of them, as a job',
    about: [
      'The input is a folder, a pattern in quotes, a picture, a table (JSONL with image_url or image, CSV with a column image, a folder with an',
      'MLTable), registered data (azureml:name:version), or a path of the datastore (azureml://datastores/workspaceblobstore/paths/…).',
      'The job goes on by itself; its results are predictions.csv, predictions.jsonl and summary.json, which fovea job download copies.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: 'name of the endpoint', required: true },
      { flags: '-i, --input <input>', text: 'what is scored' },
      {
        flags: '-d, --deployment-name <name>',
        text: 'the deployment that answers; that of the endpoint when left out',
      },
      { flags: '--output-path <path>', text: 'a folder, or a file .csv, that the results are written to besides' },
      {
        flags: '--mini-batch-size <n>',
        text: 'files of a mini-batch, over that of the deployment',
        read: positiveInteger,
      },
      {
        flags: '--instance-count <n>',
        text: 'processes that score, over that of the deployment',
        read: positiveInteger,
      },
      { flags: '--job-name <name>', text: 'name of the job; made up when left out' },
      {
        flags: '--explain <algorithm>',
        text: 'draw what each answer goes by, into explanations/ of the results',
        choices: algorithms,
      },
      { flags: '-s, --stream', text: 'show the job on stderr until it ends; the exit code is 0 when it completed' },
      { flags: '--set <tags.name=value...>', text: 'tags of the job', read: assignments },
      {
        flags: '--input-type <type>',
        text: 'accepted for scripts; what the input is shows itself',
        choices: ['uri_folder', 'uri_file', 'mltable'],
      },
      { flags: '--input-data <input>', text: 'as --input (older)' },
      { flags: '--input-path <folder:uri>', text: 'as --input (older): folder:<uri> or file:<uri>' },
      { flags: '--input-local-path <path>', text: 'as --input (older)' },
    ],
    defaultOutput: 'json',
    examples: [
      'fovea batch-endpoint invoke --name pets-batch --input pictures/ --stream',
      "fovea batch-endpoint invoke -n pets-batch --input 'pictures/*.jpg' --output-path results/ --mini-batch-size 50",
      'fovea batch-endpoint invoke -n pets-batch --input pets.jsonl --explain guided_gradcam',
    ],
    async run(options) {
      const write = await resultWriter(terminal.out, { output: options.output ?? 'json', query: options.query });
      const { name, deploymentName, jobName, outputPath, miniBatchSize, instanceCount, explain } = options;
      const invocation: Invocation = {
        ...{ endpoint: name, deployment: deploymentName, input: inputOf(options), output: outputPath, jobName },
        ...{ miniBatchSize, instanceCount, explain, tags: tagsOf(options.set ?? []) },
      };
      const where = { baseFolder: process.cwd(), anywhere: true };
      const start = () => withBatchEndpoints(context, options, (endpoints) => endpoints.invoke(invocation, where));
      await write(await (options.stream ? followed(start) : started(start)));

      async function started(invoke: () => Promise<JobRecord>): Promise<JobRecord> {
        const record = await invoke();
        if (!options.onlyShowErrors) {
          terminal.err.write(`  ${record.name} is ${wordOf[record.status] ?? record.status}\n`);
          terminal.err.write(nextWords(context, options, record.name));
        }
        return record;
      }

      function followed(invoke: () => Promise<JobRecord>): Promise<JobRecord> {
        const following = { ctrlC: 'leaves', summaryTo: 'err' } as const;
        return withWorkspace(context, options, (workspace) =>
          followJob(context, options, workspace, following, invoke),
        );
      }
    },
  });
}

/** The input, however it was named. @throws UsageError unless there is exactly one */
function inputOf({ input, inputData, inputPath, inputLocalPath }: InvokeOptions): string {
  const given = Object.entries({
    '--input': input,
    '--input-data': inputData,
    '--input-path': inputPath?.replace(/^(folder|file):(?!\/\/)/, ''),
    '--input-local-path': inputLocalPath,
  }).filter((one): one is [string, string] => one[1] !== undefined);
  const [first, second] = given;
  if (first === undefined) throw new UsageError('there is nothing to score', '--input pictures/');
  if (second !== undefined) throw new UsageError(`${first[0]} and ${second[0]} at once`, 'give one of them');
  return first[1];
}

function tagsOf(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((assignment) => {
      const [, name, value] = /^tags\.([^=]+)=(.*)$/s.exec(assignment) ?? [];
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${assignment}: of a job only tags are set so`, '--set tags.owner=me');
      return [name, value];
    }),
  );
}
