import type { DataRead, ImageRecord, Issue, ObjectRecord, Part } from '@fovea/data';
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
export async function judgedImages(context: Context, data: LabelledData, asked: Asked): Promise<Judged<ImageRecord>> {
  const { readLabelledImages, checkValidation } = await context.services.data();
  const labelKind = data.task === 'image_classification' ? 'multiclass' : 'multilabel';
  const options = { targetColumn: data.targetColumn, labelKind, role: 'validation' } as const;
  return judged(context, data, asked, {
    read: (path, part) => readLabelledImages(path, { ...options, ...(part && { part }) }),
    check: (dataset) => checkValidation({ classes: asked.labels, records: [] }, dataset),
  });
}

/** The same of images with objects, for segmentation with the outline of each. */
export async function judgedObjects(context: Context, data: LabelledData, asked: Asked): Promise<Judged<ObjectRecord>> {
  const { readObjects, checkObjectValidation } = await context.services.data();
  const task = data.task === 'image_instance_segmentation' ? 'segmentation' : 'detection';
  const options = { targetColumn: data.targetColumn, task, role: 'validation' } as const;
  return judged(context, data, asked, {
    read: (path, part) => readObjects(path, { ...options, ...(part && { part }) }),
    check: (dataset) => checkObjectValidation({ name: 'the model', classes: asked.labels, records: [] }, dataset),
  });
}

interface Asked {
  split: string | undefined;
  labels: readonly string[];
  quiet: boolean;
}

interface Judged<R> {
  records: readonly R[];
  part: Part | undefined;
}

interface Set<R> {
  readonly name: string;
  readonly classes: readonly string[];
  readonly records: R[];
}

interface Reading<R> {
  read(path: string, part?: Part): Promise<DataRead<Set<R>>>;
  /** What a model with these labels can say nothing of. */
  check(dataset: Set<R>): readonly Issue[];
}

async function judged<R>(
  { services, terminal }: Context,
  data: LabelledData,
  { split, quiet }: Asked,
  { read, check }: Reading<R>,
): Promise<Judged<R>> {
  const { partNamed, IssuesError } = await services.data();
  const whole = await read(data.training);
  // Each part is a path of its own, or they are told apart inside of one.
  const paths = { train: data.training, validation: data.validation, test: data.test };
  const isApart = data.validation !== undefined || data.test !== undefined;
  const part = partToJudge(split === undefined ? undefined : partNamed(split), {
    isSplit: isApart || whole.isSplit,
    hasTest: isApart ? data.test !== undefined : whole.testImages > 0,
  });

  let chosen = whole;
  if (part !== undefined) {
    const path = isApart ? paths[part] : data.training;
    if (path === undefined) {
      const there = Object.entries(paths).flatMap(([name, one]) => (one === undefined ? [] : [name]));
      throw new CommandFailure(`the data has no images for ${part}`, { hint: `it has ${there.join(' and ')}` });
    }
    chosen = await read(path, isApart ? undefined : part);
  }
  const { dataset, issues, sources } = chosen;
  const isWrong = issues.some(({ severity }) => severity === 'error');
  // That a class has no image at all stands in the report.
  const unknown = isWrong ? [] : check(dataset).filter(({ severity }) => severity === 'error');
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
