import type { TrialRecord, Workspace } from '@fovea/platform';
import type { Command } from 'commander';
import { type Context, command, type OptionSpec } from './command.ts';
import { CommandFailure } from './failure.ts';
import { followLogs } from './follow-logs.ts';
import { resultWriter } from './output.ts';
import { printable } from './printable.ts';
import { hasEnded, trialRows } from './trial-words.ts';
import { jobNamed, placeWords, type WorkspaceOptions, withWorkspace, workspaceWords } from './workspace.ts';

const nameOption: OptionSpec = { flags: '-n, --name <name>', text: "the trial's name", required: true };

interface Named {
  name: string;
}

/** `fovea trial <verb>`. */
export function trialCommands(context: Context): Command[] {
  const { out } = context.terminal;

  const list = command<{ job: string }>(context, {
    usage: 'list',
    server: 'asked',
    summary: 'print the trials of a job, in the order in which they were chosen',
    options: [{ flags: '-j, --job <name>', text: "the job's name", required: true }],
    defaultOutput: 'json',
    examples: [
      'fovea trial list --job amber_lynx -o table',
      "fovea trial list --job amber_lynx --query 'sort_by([?metrics.accuracy], &metrics.accuracy)[-1].hyperparameters'",
    ],
    async run(options) {
      const write = await resultWriter(out, { output: options.output ?? 'json', query: options.query });
      await withWorkspace(context, options, async (workspace) => {
        const { primary_metric: metric } = await jobNamed(workspace, options, options.job);
        const trials = await workspace.trials(options.job);
        await write(trials, trialRows(trials, metric));
      });
    },
  });

  const show = command<Named>(context, {
    usage: 'show',
    server: 'asked',
    summary:
      'print what is known of a trial: hyperparameters, metrics of each epoch, why it was chosen and why it ended',
    options: [nameOption],
    defaultOutput: 'json',
    examples: ['fovea trial show --name amber_lynx_HD_0', 'fovea trial show -n amber_lynx_HD_0 --query epochs[-1]'],
    async run(options) {
      const write = await resultWriter(out, { output: options.output ?? 'json', query: options.query });
      await withWorkspace(context, options, async (workspace) => {
        await write(await trialNamed(workspace, options, options.name));
      });
    },
  });

  const logs = command<Named & { follow?: boolean }>(context, {
    usage: 'logs',
    server: 'asked',
    summary: 'print the log of a trial',
    options: [nameOption, { flags: '-f, --follow', text: 'go on until the trial ends' }],
    examples: ['fovea trial logs --name amber_lynx_HD_0', 'fovea trial logs --name amber_lynx_HD_0 --follow'],
    async run(options) {
      await withWorkspace(context, options, async (workspace) => {
        const trial = () => trialNamed(workspace, options, options.name);
        await trial();
        await followLogs(
          out,
          workspace,
          async () => [await trial()],
          async () => !options.follow || hasEnded(await trial()),
        );
      });
    },
  });

  return [list, show, logs];
}

/** @throws CommandFailure when the workspace has none of that name */
async function trialNamed(workspace: Workspace, options: WorkspaceOptions, name: string): Promise<TrialRecord> {
  const record = await workspace.trial(name);
  if (record !== null) return record;
  const job = /^(.+)_HD_\d+$/.exec(name)?.[1] ?? '<job>';
  throw new CommandFailure(`there is no trial called ${printable(name)} ${placeWords(options)}`, {
    hint: `fovea trial list${workspaceWords(options)} --job ${job} -o table shows those that are`,
  });
}
