import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { type AzureScope, scopeProperties } from './az-spelling.ts';
import { assignments, type CommonOptions, type Context, command, type OptionSpec, positiveInteger } from './command.ts';
import { CommandFailure, exitCodes, isIssuesError, UsageError } from './failure.ts';
import { followJob, nextWords, type Starting, sayHowItEnded, startJob } from './follow-job.ts';
import { followLogs } from './follow-logs.ts';
import { downloadCommand } from './job-download.ts';
import { readJobFile, requireJob, rightOrWrong, withData } from './job-file.ts';
import { upkeepCommands } from './job-upkeep.ts';
import { jobRows, wordOf } from './job-words.ts';
import { asYaml, optionalWriter, resultWriter } from './output.ts';
import { printableLines } from './printable.ts';
import { hasEnded, trialRows } from './trial-words.ts';
import { checkpoint, weightsOption } from './weights-option.ts';
import { jobNamed, withWorkspace } from './workspace.ts';

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
    summary: 'start the job of a job file',
    about: [
      'The data is checked and every picture opened; then the job goes on by itself, whether or not a terminal is open. With --stream',
      'the command shows it until it ends, and Ctrl-C ends the showing alone. stdout gets the record of the job.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      fileOption,
      { flags: '-n, --name <name>', text: 'name of the job; made up when left out' },
      setOption,
      weightsOption,
      { flags: '-s, --stream', text: 'show the run on stderr until it ends; the exit code is 0 when it completed' },
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
      const read = await readJobFile(context, options, options.file, [...(options.set ?? []), ...named]);
      const job = await requireJob(context, read, options.onlyShowErrors === true);
      if (options.skipValidation && !options.onlyShowErrors) {
        terminal.err.write('  note: --skip-validation saves nothing here; the job is checked before it starts\n');
      }
      const scoped = { ...job, properties: { ...job.properties, ...scopeProperties(options) } };
      const setting = { baseFolder: dirname(resolve(options.file)), weights };
      const record = await withWorkspace(context, options, (workspace) => {
        const submit = (starting: Starting) => workspace.submit(scoped, { ...setting, ...starting });
        if (!options.stream) return startJob(context, options, submit);
        return followJob(context, options, workspace, { ctrlC: 'leaves', summaryTo: 'err' }, submit);
      });
      if (!options.stream && !options.onlyShowErrors) {
        terminal.err.write(`  ${record.name} is ${wordOf[record.status] ?? record.status}\n`);
        terminal.err.write(nextWords(context, options, record.name));
      }
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
    server: 'asked',
    options: [fileOption, setOption],
    defaultOutput: 'yaml',
    examples: [
      'fovea job validate --file job.yml',
      'fovea job validate -f job.yml --set task=image_classification -o json',
    ],
    async run(options) {
      const write = await result(options);
      const read = await readJobFile(context, options, options.file, options.set ?? []);
      const found = await withData(context, options, read, dirname(resolve(options.file)));
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
    server: 'asked',
    options: [nameOption, webOption],
    defaultOutput: 'json',
    examples: ['fovea job show --name amber_lynx --query metrics', 'fovea job show -n amber_lynx --query model -o tsv'],
    async run(options) {
      refuseWeb(options);
      const write = await result(options);
      await withWorkspace(context, options, async (workspace) => {
        await write(await jobNamed(workspace, options, options.name));
      });
    },
  });

  const list = command<ListOptions>(context, {
    usage: 'list',
    summary: 'print the jobs of the workspace, newest first',
    azure: true,
    server: 'asked',
    options: [
      { flags: '-r, --max-results <n>', text: 'at most so many', fallback: 50, read: positiveInteger },
      { flags: '--all-results <true|false>', text: 'all, whatever --max-results says', choices: ['true', 'false'] },
      { flags: '-p, --parent-job-name <name>', text: 'the trials of this job instead' },
      { flags: '--include-archived', text: 'archived jobs, too' },
      { flags: '--archived-only', text: 'archived jobs alone' },
    ],
    defaultOutput: 'json',
    examples: ['fovea job list -o table', 'fovea job list --query "[?status==\'Completed\'].name" -o tsv'],
    async run(options) {
      const { parentJobName, includeArchived, archivedOnly } = options;
      if (includeArchived && archivedOnly)
        throw new UsageError('--include-archived and --archived-only at once', 'give one of them');
      const write = await result(options);
      const most = options.allResults === 'true' ? undefined : options.maxResults;
      await withWorkspace(context, options, async (workspace) => {
        if (parentJobName === undefined) {
          const archived = archivedOnly ? 'archived' : includeArchived ? 'all' : 'active';
          const jobs = await workspace.jobs({ archived, ...(most !== undefined && { most }) });
          await write(jobs, jobRows(jobs));
        } else {
          const { primary_metric: metric } = await jobNamed(workspace, options, parentJobName);
          const trials = (await workspace.trials(parentJobName)).slice(0, most);
          await write(trials, trialRows(trials, metric));
        }
      });
    },
  });

  const stream = command<Named>(context, {
    usage: 'stream',
    summary: 'follow a job until it ends',
    about: [
      'On a terminal the run is shown as with job create --stream; otherwise stdout gets its logs. Ctrl-C ends the',
      'showing, not the job. The exit code is 0 when the job completed and 1 when it did not.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [nameOption],
    examples: ['fovea job stream --name amber_lynx', 'fovea job stream --name amber_lynx | tee amber_lynx.log'],
    async run(options) {
      await withWorkspace(context, options, async (workspace) => {
        const found = await jobNamed(workspace, options, options.name);
        if (terminal.out.isTerminal) {
          await followJob(context, options, workspace, { ctrlC: 'leaves', summaryTo: 'out' }, async () => found);
          return;
        }
        let record = found;
        await followLogs(
          terminal.out,
          workspace,
          // A job that scores pictures has one log and no trials.
          async () => (found.batch ? [record] : workspace.trials(options.name)),
          async () => {
            record = await jobNamed(workspace, options, options.name);
            return hasEnded(record);
          },
        );
        if (record.status === 'Completed') return;
        sayHowItEnded(context, options, record);
        context.exitCode = exitCodes.failed;
      });
    },
  });

  const resume = command<Named & { wait: boolean }>(context, {
    usage: 'resume',
    server: 'asked',
    summary: 'go on with a job that was stopped, from its last finished epoch',
    about: 'The job is shown until it ends, as by fovea train: Ctrl-C ends it again.',
    options: [nameOption, { flags: '--no-wait', text: 'do not wait for its end' }],
    examples: ['fovea job resume --name amber_lynx'],
    async run(options) {
      const write = await optionalWriter(terminal.out, options);
      const record = await withWorkspace(context, options, async (workspace) => {
        const { status } = await jobNamed(workspace, options, options.name);
        if (status === 'Completed')
          throw new CommandFailure(`${options.name} is completed; there is nothing to go on with`);
        const start = (starting: Starting) => workspace.resume(options.name, starting);
        const undone = `${options.name} is as it was`;
        if (options.wait) {
          const following = { ctrlC: 'cancels', summaryTo: write ? 'err' : 'out', undone } as const;
          return followJob(context, options, workspace, following, start);
        }
        const resumed = await startJob(context, options, start, undone);
        if (!options.onlyShowErrors) terminal.err.write(nextWords(context, options, options.name));
        return resumed;
      });
      await write?.(record);
    },
  });

  const cancel = command<Named & { wait: boolean }>(context, {
    usage: 'cancel',
    summary: 'end a job; its trials keep what they have learned',
    about:
      'The command waits until its trials have ended, which takes about two seconds. fovea job resume goes on with the job.',
    azure: true,
    server: 'asked',
    options: [nameOption, { flags: '--no-wait', text: 'only ask for it' }],
    examples: ['fovea job cancel --name amber_lynx'],
    async run(options) {
      const write = await optionalWriter(terminal.out, options);
      const record = await withWorkspace(context, options, async (workspace) => {
        const before = await jobNamed(workspace, options, options.name);
        const asked = hasEnded(before) ? before : await workspace.cancel(options.name);
        const isOver = hasEnded(asked) || !options.wait;
        const after = isOver ? asked : await workspace.watch(options.name, { onEvent: () => {} });
        const already = hasEnded(before) ? ' already' : '';
        if (!options.onlyShowErrors)
          terminal.err.write(`  ${after.name} is ${wordOf[after.status] ?? after.status}${already}\n`);
        return after;
      });
      await write?.(record);
    },
  });

  return [
    ...[create, validate, show, list, stream, cancel, resume, downloadCommand(context)],
    ...upkeepCommands(context),
  ];
}

interface ListOptions {
  maxResults: number;
  allResults?: string;
  parentJobName?: string;
  includeArchived?: boolean;
  archivedOnly?: boolean;
}

function refuseWeb({ web }: { web?: boolean }): void {
  if (web) throw new UsageError('--web is not in this release: there is no page to open', 'leave --web out');
}
