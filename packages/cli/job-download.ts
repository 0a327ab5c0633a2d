import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { JobRecord, Workspace } from '@fovea/platform';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { CommandFailure, UsageError } from './failure.ts';
import { optionalWriter } from './output.ts';
import { printable } from './printable.ts';
import { counted, megabytes } from './quantities.ts';
import { shortPath } from './summary.ts';
import { hasEnded } from './trial-words.ts';
import { jobNamed, withWorkspace, workspaceWords } from './workspace.ts';

interface DownloadOptions {
  name: string;
  downloadPath: string;
  outputName?: string;
  all?: boolean;
}

/** A file that is to be copied; `to` is relative to the folder of the download. */
interface Copy {
  readonly to: string;
  readonly save: (file: string) => Promise<void>;
}

const modelFolder = 'outputs/mlflow-model/';

/** `fovea job download`. */
export function downloadCommand(context: Context): Command {
  const { terminal } = context;
  return command<DownloadOptions>(context, {
    usage: 'download',
    summary: 'copy what a job made into a folder named after it',
    about: [
      'Copied are outputs/ (with the model), train_artifacts/ (charts, tables, ONNX, labels) and the log of the best trial;',
      'with --output-name best_model the model folder alone, into named-outputs/best_model; with --all both, and all trials.',
      'Of a job that scores pictures, its results: named-outputs/score.',
    ].join('\n'),
    azure: true,
    server: 'asked',
    options: [
      { flags: '-n, --name <name>', text: "the job's name", required: true },
      { flags: '-p, --download-path <folder>', text: 'where the folder is made', fallback: '.' },
      {
        flags: '--output-name <output>',
        text: 'this output alone: best_model, or default for what is copied without it',
      },
      { flags: '--all', text: 'every output, and what all trials left' },
    ],
    examples: [
      'fovea job download --name amber_lynx',
      'fovea job download --name amber_lynx --output-name best_model --download-path models',
    ],
    async run(options) {
      if (options.all && options.outputName !== undefined)
        throw new UsageError('--all and --output-name at once', 'give one of them');
      const write = await optionalWriter(terminal.out, options);
      await withWorkspace(context, options, async (workspace) => {
        const record = await jobNamed(workspace, options, options.name);
        const copies = await copiesOf(workspace, record, options);
        if (copies.length === 0) throw nothingToCopy(record, workspaceWords(options));
        const target = resolve(options.downloadPath, record.name);
        let bytes = 0;
        for (const { to, save } of copies) {
          const file = inside(target, to);
          await save(file);
          bytes += (await stat(file)).size;
        }
        if (write === null) {
          const size = `${counted(copies.length, 'file')}, ${megabytes(bytes)} MB`;
          terminal.out.write(`  ${printable(shortPath(target))}  ${size}\n`);
        }
        await write?.(
          { path: target, bytes, files: copies.map(({ to }) => to) },
          copies.map(({ to }) => ({ file: to })),
        );
      });
    },
  });
}

async function copiesOf(
  workspace: Workspace,
  record: JobRecord,
  { outputName, all }: Pick<DownloadOptions, 'outputName' | 'all'>,
): Promise<Copy[]> {
  if (record.batch) return resultsOf(workspace, record, outputName);
  if (outputName !== undefined && outputName !== 'best_model' && outputName !== 'default') {
    throw new CommandFailure(`${record.name} has no output called ${printable(outputName)}`, {
      hint: 'its outputs are best_model and default',
    });
  }
  const best = record.best_trial;
  const model = best === null ? [] : await modelOf(workspace, best);
  if (outputName === 'best_model') return model;
  const own = best === null ? [] : await leftBy(workspace, best, '');
  if (!all) return own;
  const trials = await Promise.all(record.trials.map(({ name }) => leftBy(workspace, name, `${name}/`)));
  return [...own, ...model, ...trials.flat()];
}

/** The results of a job that scores pictures. */
async function resultsOf(workspace: Workspace, { name }: JobRecord, outputName: string | undefined): Promise<Copy[]> {
  if (outputName !== undefined && outputName !== 'score' && outputName !== 'default') {
    throw new CommandFailure(`${name} has no output called ${printable(outputName)}`, { hint: 'its output is score' });
  }
  return (await workspace.artefacts(name)).map((artefact) => ({
    to: `named-outputs/score/${artefact.path}`,
    save: (file) => workspace.saveArtefact(name, artefact, file),
  }));
}

/** The files of a trial's model folder. */
async function modelOf(workspace: Workspace, trial: string): Promise<Copy[]> {
  const files = await workspace.artefacts(trial);
  return files
    .filter(({ path }) => path.startsWith(modelFolder))
    .map((artefact) => ({
      to: `named-outputs/best_model/${artefact.path.slice(modelFolder.length)}`,
      save: (file) => workspace.saveArtefact(trial, artefact, file),
    }));
}

/** All that a trial left, and its log. */
async function leftBy(workspace: Workspace, trial: string, lead: string): Promise<Copy[]> {
  const files = (await workspace.artefacts(trial)).map((artefact) => ({
    to: lead + artefact.path,
    save: (file: string) => workspace.saveArtefact(trial, artefact, file),
  }));
  const hasLog = (await workspace.log(trial)).length > 0;
  const log: Copy = { to: `${lead}user_logs/std_log.txt`, save: (file) => saveLog(workspace, trial, file) };
  return hasLog ? [...files, log] : files;
}

async function saveLog(workspace: Workspace, trial: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const file = await open(to, 'w');
  try {
    for (let from = 0; ; ) {
      const bytes = await workspace.log(trial, from);
      if (bytes.length === 0) return;
      await file.write(bytes);
      from += bytes.length;
    }
  } finally {
    await file.close();
  }
}

/** A path below a folder. @throws Error for one that leads out of it */
function inside(folder: string, path: string): string {
  const whole = join(folder, path);
  if (!whole.startsWith(folder + sep)) throw new Error(`${path} leads out of ${folder}`);
  return whole;
}

function nothingToCopy({ name, ...record }: JobRecord, words: string): CommandFailure {
  if (!hasEnded(record)) {
    return new CommandFailure(`${name} has not ended: there is nothing to copy yet`, {
      hint: `fovea job stream${words} --name ${name}`,
    });
  }
  if (record.batch) return new CommandFailure(`${name} has no results: it ended before there were any`);
  return new CommandFailure(`${name} has no model: none of its trials got that far`, {
    hint: '--all copies what its trials left, the logs among it',
  });
}
