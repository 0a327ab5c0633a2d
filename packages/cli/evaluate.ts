import type { Part } from '@fovea/data';
import type { Command } from 'commander';
import { type Context, command } from './command.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { type LabelledData, labelledData } from './labelled-data.ts';
import { liveLine } from './live-line.ts';
import { modelFolder } from './model-argument.ts';
import { optionalWriter } from './output.ts';
import { printable, printableLines } from './printable.ts';
import { count, counted, figure } from './quantities.ts';
import type { Services } from './services.ts';
import type { Channel } from './terminal.ts';

type Serving = Awaited<ReturnType<Services['serving']>>;
type Evaluation = Awaited<ReturnType<Serving['evaluate']>>;

interface EvaluateOptions {
  split?: string;
}

const splits = ['train', 'val', 'test'] as const;

/** `fovea evaluate <model> <data>`: on ONNX Runtime, as the served model answers. */
export function evaluateCommand(context: Context): Command {
  const { out, err } = context.terminal;
  return command<EvaluateOptions>(context, {
    usage: 'evaluate <model> <data>',
    summary: 'say how good a trained model is on labelled images',
    about: [
      'The model is a model folder or the name of a job; the data is what fovea train takes. Of data with a split of its own',
      'the images for testing are judged, or those of --split. As JSON the result has all metrics, those of each class',
      '(classification_report) and the confusion matrix.',
    ].join('\n'),
    options: [{ flags: '--split <part>', text: 'which images of data that is split', choices: splits }],
    examples: [
      'fovea evaluate amber_lynx pictures/test',
      'fovea evaluate amber_lynx labels.csv --split val',
      'fovea evaluate amber_lynx labelled/ -o json --query metrics.accuracy',
    ],
    async run(options, [name = '', path = '']) {
      const write = await optionalWriter(out, options);
      const serving = await context.services.serving();
      const folder = await modelFolder(context, options, name);
      const model = await serving.loadModel(folder);
      try {
        const quiet = options.onlyShowErrors === true;
        const data = await labelledData(context, path, { task: model.task });
        if (!quiet) for (const note of data.notes) err.write(`  ${note}\n`);
        const { records, part } = await judgedImages(context, data, {
          split: options.split,
          labels: model.labels,
          quiet,
        });
        const evaluation = await withProgress(err, quiet, (onProgress) =>
          serving.evaluate(model, records, { onProgress }),
        );
        for (const { file, error } of evaluation.failures) {
          const told = error.includes(file) ? error : `${file}: ${error}`;
          err.write(`${err.paint('red', 'error')} ${printable(told)}\n`);
        }
        if (evaluation.failures.length > 0) {
          context.exitCode = exitCodes.failed;
          err.write(`${counted(evaluation.failures.length, 'image')} of ${count(records.length)} could not be read\n`);
        }
        const primary = model.task === 'image_classification_multilabel' ? 'iou' : 'accuracy';
        if (write === null) out.write(`${text(out, evaluation, { primary, part })}\n`);
        await write?.(
          {
            ...{
              model: folder,
              model_name: model.modelName,
              task: model.task,
              data: data.training,
              split: part ?? null,
            },
            ...{ images: evaluation.images, metrics: evaluation.metrics },
            ...{ classification_report: evaluation.report, confusion_matrix: evaluation.confusionMatrix },
          },
          Object.entries(evaluation.metrics).map(([metric, value]) => ({ metric, value })),
        );
      } finally {
        await model.close();
      }
    },
  });
}

/** The images that are to be judged. @throws IssuesError for data that is not right, CommandFailure when it is not clear which part is meant */
async function judgedImages(
  { services, terminal }: Context,
  data: LabelledData,
  { split, labels, quiet }: { split: string | undefined; labels: readonly string[]; quiet: boolean },
) {
  const { readLabelledImages, checkValidation, partNamed, IssuesError } = await services.data();
  const asked = split === undefined ? undefined : partNamed(split);
  const labelKind = data.task === 'image_classification' ? 'multiclass' : 'multilabel';
  const options = { targetColumn: data.targetColumn, labelKind, role: 'validation' } as const;
  const paths: Partial<Record<Part, string>> = {
    train: data.training,
    ...(data.validation !== undefined && { validation: data.validation }),
    ...(data.test !== undefined && { test: data.test }),
  };
  const whole = await readLabelledImages(data.training, options);
  const inFiles = Object.keys(paths).length > 1;
  const hasTest = whole.testImages > 0 || data.test !== undefined;
  const isSplit = whole.isSplit || inFiles;
  if (!isSplit && asked !== undefined)
    throw new CommandFailure('the data is not split: it does not say which images are for what', {
      hint: 'without --split all of it is judged',
    });
  if (isSplit && asked === undefined && !hasTest)
    throw new CommandFailure('the data is split, and has no images for testing', {
      hint: '--split val judges those for validation, --split train those that a model was trained on',
    });
  const part = isSplit ? (asked ?? 'test') : undefined;
  if (part !== undefined && inFiles && paths[part] === undefined)
    throw new CommandFailure(`the data has nothing for ${split}`, {
      hint: `it has ${Object.keys(paths).join(' and ')}`,
    });
  const inside = part !== undefined && !inFiles ? { part } : {};
  const { dataset, issues, sources } =
    part === undefined
      ? whole
      : await readLabelledImages((inFiles && paths[part]) || data.training, { ...options, ...inside });
  const model = { name: 'the model', classes: labels, records: [] };
  const hasErrors = (found: readonly { severity: string }[]) => found.some(({ severity }) => severity === 'error');
  // That a class has no image at all stands in the report.
  const unknown = checkValidation(model, dataset).filter(({ severity }) => severity === 'error');
  const all = hasErrors(issues) ? issues : issues.concat(unknown);
  if (hasErrors(all)) throw new IssuesError(all, { sources });
  if (all.length > 0 && !quiet) terminal.err.write(`${printableLines(new IssuesError(all, { sources }).message)}\n`);
  return { records: dataset.records, part };
}

async function withProgress<T>(
  err: Channel,
  quiet: boolean,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const live = err.isTerminal && !quiet ? liveLine(err) : null;
  try {
    return await work((done, total) => live?.draw(`  ${count(done)} of ${count(total)} images`));
  } finally {
    live?.close();
  }
}

/** The primary metric, each class, and all other metrics. */
function text(
  out: Channel,
  { images, metrics, report }: Evaluation,
  about: { primary: string; part?: Part | undefined },
): string {
  const value = (metric: number | null | undefined) => (typeof metric === 'number' ? figure(metric) : '–');
  const which = about.part === undefined ? '' : ` (${about.part})`;
  const title = `${about.primary} ${value(metrics[about.primary])} on ${counted(images, 'image')}${which}`;
  const head = ['', 'images', 'precision', 'recall', 'f1'];
  const rows = report.class_labels.map((label, i) => {
    const [precision, recall, f1, support] = report.matrix[i];
    return [printable(label), count(support ?? 0), value(precision), value(recall), value(f1)];
  });
  const others = Object.entries(metrics).map(([name, metric]) => [name, value(metric)]);
  return [`  ${out.paint('bold', title)}`, '', ...columns([head, ...rows]), '', ...columns(others)].join('\n');
}

/** Cells under each other, the first of each row to the left and the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const fit = (cell: string, column: number) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
  return rows.map((row) => `    ${row.map(fit).join('  ')}`.trimEnd());
}
