import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { JobRecord } from '@fovea/automl';
import type { Command } from 'commander';
import { type AzureScope, scopeProperties } from './az-spelling.ts';
import { assignments, type CommonOptions, type Context, command, type OptionSpec, positiveInteger } from './command.ts';
import { CommandFailure, exitCodes, isIssuesError, UsageError } from './failure.ts';
import { followLogs } from './follow-logs.ts';
import { runInForeground } from './foreground-run.ts';
import { readJobFile, requireJob, rightOrWrong, withData } from './job-file.ts';
import { asYaml, optionalWriter, resultWriter } from './output.ts';
import { printableLines } from './printable.ts';
import { quoted } from './summary.ts';
import { checkpoint, weightsOption } from './weights-option.ts';

const fileOption: OptionSpec = { flags: '-f, --file <job.yml>', text: 'the job file', required: true };
const nameOption: OptionSpec = { flags: '-n, --name <name>', text: "the job's name", required: true };
const setOption: OptionSpec = {
  flags: '--set <path=value...>',
  text: 'a value over that of the file, as limits.max_trials=4; may be repeated',
  read: assignments,
};
const webOption: OptionSpec = { flags: '-e, --web', text: 'not in this release: there is no page to open' };

interface Named {
  name: string;
  web?: boolean;
}

interface CreateOptions extends AzureScope, Partial<Named> {
  file: string;
  set?: string[];
  stream?: boolean;
  saveAs?: string;
  skipValidation?: boolean;
  weights?: string;
}

/** `fovea job <verb>`. */
export function jobCommands(context: Context): Command[] {
  const { terminal } = context;
  const result = (options: CommonOptions) =>
    resultWriter(terminal.out, { output: options.output ?? 'json', query: options.query });

  const create = command<CreateOptions>(context, {
    usage: 'create',
    summary: 'run the job of a job file',
    about: [
      'The job runs here and now, and the command ends with it. Without --stream only what is wrong is said on the way.',
      'stdout gets the record of the job, at its end. Ctrl-C stops after the current step; fovea job resume goes on.',
    ].join('\n'),
    azure: true,
    options: [
      fileOption,
      { flags: '-n, --name <name>', text: 'name of the job; made up when left out' },
      setOption,
      weightsOption,
      { flags: '-s, --stream', text: 'show the run on stderr while it goes on' },
      { flags: '-a, --save-as <file>', text: 'also write the record to this file, as YAML' },
      { flags: '--skip-validation', text: 'accepted for scripts; a job is always checked, once, before it starts' },
      webOption,
    ],
    defaultOutput: 'json',
    examples: [
      'fovea job create --file job.yml --stream',
      'fovea job create -f job.yml --set training_parameters.learning_rate=0.005 --set limits.max_trials=4 -o yaml',
      "fovea job create -f job.yml --query '{name: name, accuracy: metrics.accuracy}'",
    ],
    async run(options) {
      refuseWeb(options);
      const write = await result(options);
      const weights = await checkpoint(options.weights);
      const named = options.name === undefined ? [] : [`name=${JSON.stringify(options.name)}`];
      const read = await readJobFile(context, options.file, [...(options.set ?? []), ...named]);
      const job = await requireJob(context, read, options.onlyShowErrors === true);
      if (options.skipValidation && !options.onlyShowErrors) {
        terminal.err.write('  note: --skip-validation saves nothing here; the job is checked before it starts\n');
      }
      const { runJob } = await context.services.automl();
      const scoped = { ...job, properties: { ...job.properties, ...scopeProperties(options) } };
      const record = await runInForeground(
        context,
        options,
        { show: options.stream ? 'progress' : 'quiet', summaryTo: 'err' },
        (watched) => runJob(scoped, { ...watched, baseFolder: dirname(resolve(options.file)), weights }),
      );
      if (options.saveAs !== undefined) await writeFile(options.saveAs, `${await asYaml(record)}\n`);
      await write(record);
    },
  });

  const validate = command<{ file: string; set?: string[] }>(context, {
    usage: 'validate',
    summary: 'check a job file and its data, and print the whole job with its defaults',
    about:
      'Every problem is reported with its place, and the exit code is 1. What this release cannot run yet, and data that is not\n' +
      'here, are warnings. Pictures are not opened: that is done before training.',
    azure: true,
    options: [fileOption, setOption],
    defaultOutput: 'yaml',
    examples: [
      'fovea job validate --file job.yml',
      'fovea job validate -f job.yml --set task=image_classification -o json',
    ],
    async run(options) {
      const write = await result(options);
      const read = await readJobFile(context, options.file, options.set ?? []);
      const found = await withData(context, read, dirname(resolve(options.file)));
      try {
        const job = await requireJob(context, rightOrWrong(found), options.onlyShowErrors === true);
        const { plainJob, withTrialHyperparameters } = await context.services.automl();
        await write(plainJob(withTrialHyperparameters(job)));
      } catch (error) {
        if (!isIssuesError(error)) throw error;
        terminal.err.write(`${printableLines(error.message)}\n`);
        context.exitCode = exitCodes.failed;
      }
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    summary: 'print what is known of a job',
    azure: true,
    options: [nameOption, webOption],
    defaultOutput: 'json',
    examples: ['fovea job show --name amber_lynx --query metrics', 'fovea job show -n amber_lynx --query model -o tsv'],
    async run(options) {
      refuseWeb(options);
      const write = await result(options);
      await write(await jobNamed(context, options, options.name));
    },
  });

  const list = command<{ maxResults: number; allResults?: string; parentJobName?: string }>(context, {
    usage: 'list',
    summary: 'print the jobs of the workspace, newest first',
    azure: true,
    options: [
      { flags: '-r, --max-results <n>', text: 'at most so many', fallback: 50, read: positiveInteger },
      { flags: '--all-results <true|false>', text: 'all, whatever --max-results says', choices: ['true', 'false'] },
      { flags: '-p, --parent-job-name <name>', text: 'the trials of this job instead' },
    ],
    defaultOutput: 'json',
    examples: ['fovea job list -o table', 'fovea job list --query "[?status==\'Completed\'].name" -o tsv'],
    async run(options) {
      const write = await result(options);
      const { listJobs } = await context.services.automl();
      const found: readonly unknown[] =
        options.parentJobName === undefined
          ? listJobs(resolve(options.workspace))
          : (await jobNamed(context, options, options.parentJobName)).trials;
      await write(options.allResults === 'true' ? found : found.slice(0, options.maxResults));
    },
  });

  const stream = command<Named>(context, {
    usage: 'stream',
    summary: "print a job's log, and go on until the job ends",
    about: 'The exit code is 0 when the job completed and 1 when it did not.',
    azure: true,
    options: [nameOption],
    examples: ['fovea job stream --name amber_lynx'],
    async run(options) {
      await jobNamed(context, options, options.name);
      await followLogs(context, options);
    },
  });

  const resume = command<Named>(context, {
    usage: 'resume',
    summary: 'go on with a job that was stopped, from its last finished epoch',
    options: [nameOption],
    examples: ['fovea job resume --name amber_lynx'],
    async run(options) {
      const write = await optionalWriter(terminal.out, options);
      const { status } = await jobNamed(context, options, options.name);
      if (status === 'Completed')
        throw new CommandFailure(`${options.name} is completed; there is nothing to go on with`);
      const { resumeJob } = await context.services.automl();
      const record = await runInForeground(
        context,
        options,
        { show: 'progress', summaryTo: write ? 'err' : 'out' },
        (watched) => resumeJob(options.name, watched),
      );
      await write?.(record);
    },
  });

  return [create, validate, show, list, stream, resume];
}

/** The record of a job. @throws CommandFailure when the workspace has none of that name */
export async function jobNamed({ services }: Context, { workspace }: CommonOptions, name: string): Promise<JobRecord> {
  const { readJob } = await services.automl();
  const record = readJob(resolve(workspace), name);
  if (record === null) {
    throw new CommandFailure(`there is no job called ${name} in ${workspace}`, {
      hint: `fovea job list${workspace === '.fovea' ? '' : ` --workspace ${quoted(workspace)}`} -o table shows those that are`,
    });
  }
  return record;
}

function refuseWeb({ web }: { web?: boolean }): void {
  if (web) throw new UsageError('--web is not in this release: there is no page to open', 'leave --web out');
}
