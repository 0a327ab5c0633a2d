import type { ImageRecord, Part } from '@fovea/data';
import type { Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import type { LabelledData } from './labelled-data.ts';
import { printableLines } from './printable.ts';

/**
 * The images by which a model is to be judged: of data that is split those of the part asked for, or for testing; all others.
 *
 * @param labels those of the model
 * @throws IssuesError for data that is not right or has classes that the model does not know, CommandFailure for a part that is not there
 */
export async function judgedImages(
  { services, terminal }: Context,
  data: LabelledData,
  { split, labels, quiet }: { split: string | undefined; labels: readonly string[]; quiet: boolean },
): Promise<{ records: readonly ImageRecord[]; part: Part | undefined }> {
  const { readLabelledImages, checkValidation, partNamed, IssuesError } = await services.data();
  const labelKind = data.task === 'image_classification' ? 'multiclass' : 'multilabel';
  const options = { targetColumn: data.targetColumn, labelKind, role: 'validation' } as const;
  const whole = await readLabelledImages(data.training, options);
  // Each part is a path of its own, or they are told apart inside of one.
  const paths = { train: data.training, validation: data.validation, test: data.test };
  const isApart = data.validation !== undefined || data.test !== undefined;
  const part = partToJudge(split === undefined ? undefined : partNamed(split), {
    isSplit: isApart || whole.isSplit,
    hasTest: isApart ? data.test !== undefined : whole.testImages > 0,
  });

  let read = whole;
  if (part !== undefined) {
    const path = isApart ? paths[part] : data.training;
    if (path === undefined) {
      const there = Object.entries(paths).flatMap(([name, one]) => (one === undefined ? [] : [name]));
      throw new CommandFailure(`the data has no images for ${part}`, { hint: `it has ${there.join(' and ')}` });
    }
    read = await readLabelledImages(path, isApart ? options : { ...options, part });
  }
  const { dataset, issues, sources } = read;
  const isWrong = issues.some(({ severity }) => severity === 'error');
  const known = { name: 'the model', classes: labels, records: [] };
  // That a class has no image at all stands in the report.
  const unknown = isWrong ? [] : checkValidation(known, dataset).filter(({ severity }) => severity === 'error');
  const report = new IssuesError([...issues, ...unknown], { sources });
  if (isWrong || unknown.length > 0) throw report;
  if (issues.length > 0 && !quiet) terminal.err.write(`${printableLines(report.message)}\n`);
  return { records: dataset.records, part };
}

function partToJudge(asked: Part | undefined, { isSplit, hasTest }: { isSplit: boolean; hasTest: boolean }) {
  if (!isSplit) {
    if (asked === undefined) return undefined;
    const hint = 'without --split all of it is judged';
    throw new CommandFailure('the data is not split: it does not say which images are for what', { hint });
  }
  if (asked === undefined && !hasTest) {
    const hint = '--split val judges those for validation, --split train those that a model was trained on';
    throw new CommandFailure('the data is split, and has no images for testing', { hint });
  }
  return asked ?? 'test';
}
