import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RecognisedObjects } from '@fovea/data';
import type { Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { printable } from './printable.ts';
import { shortPath } from './summary.ts';

export const classificationTasks = ['image_classification', 'image_classification_multilabel'] as const;
export type ClassificationTask = (typeof classificationTasks)[number];

/** What data that a person names by a path can be for. */
export const dataTasks = [...classificationTasks, 'image_object_detection', 'image_instance_segmentation'] as const;
export type DataTask = (typeof dataTasks)[number];

type ObjectDataTask = Exclude<DataTask, ClassificationTask>;

/** Whether images are labelled with objects in them. */
export const hasObjects = (task: DataTask): task is ObjectDataTask =>
  task === 'image_object_detection' || task === 'image_instance_segmentation';

/** What a model that finds objects is for; undefined for one that is for whole images, and for an unknown name. */
export const objectTaskOf = (
  model: string | undefined,
  modelNames: Readonly<Record<ObjectDataTask, readonly string[]>>,
): ObjectDataTask | undefined =>
  dataTasks.filter(hasObjects).find((task) => model !== undefined && modelNames[task].includes(model));

/** Labelled images that a person named by a path. */
export interface LabelledData {
  readonly training: string;
  readonly validation?: string;
  readonly test?: string;
  readonly targetColumn: string;
  readonly task: DataTask;
  /** What was found out by itself, and how to say otherwise. */
  readonly notes: readonly string[];
}

interface Said {
  task?: DataTask | undefined;
  targetColumn?: string | undefined;
}

/**
 * Finds out what the path of a command line holds.
 * @throws CommandFailure when there is nothing, IssuesError when it is not clear what is meant
 */
export async function labelledData(
  context: Pick<Context, 'services'>,
  path: string,
  { task: asked, targetColumn }: Said = {},
): Promise<LabelledData> {
  await requireThere(path);
  const { recogniseObjects } = await context.services.data();
  if (asked === undefined || hasObjects(asked)) {
    const objects = await recogniseObjects(resolve(path), targetColumn);
    if (objects !== undefined) return dataWithObjects(objects, { task: asked, targetColumn });
    if (asked !== undefined)
      throw new CommandFailure(`no boxes or outlines of objects were found in ${path}`, {
        hint: 'they are read from JSONL (also in a folder with an MLTable), COCO, Pascal VOC, YOLO, VIA and pictures of masks',
      });
  }
  return dataWithLabels(context, path, { task: asked, targetColumn });
}

const layouts: Readonly<Record<RecognisedObjects['format'], string>> = {
  ...{ jsonl: 'a table', coco: 'COCO', voc: 'Pascal VOC', yolo: 'YOLO' },
  ...{ via: 'the VGG Image Annotator', masks: 'pictures of masks' },
};

function dataWithObjects(
  { format, task: found, ...paths }: RecognisedObjects,
  { task: asked, targetColumn = 'label' }: { task: ObjectDataTask | undefined; targetColumn: string | undefined },
): LabelledData {
  const files = [paths.training, paths.validation].filter((file) => file !== undefined).map(shortPath);
  const where = format === 'jsonl' ? `the column "${targetColumn}"` : layouts[format];
  const task = asked ?? (found === 'segmentation' ? 'image_instance_segmentation' : 'image_object_detection');
  const what = task === 'image_instance_segmentation' ? 'outlines' : 'boxes';
  const note = `${files.join(' and ')}: ${what} of objects from ${where}: task ${task}`;
  const other =
    found === 'segmentation' && asked === undefined ? '; if boxes alone are meant: --task image_object_detection' : '';
  return { ...paths, targetColumn, task, notes: [printable(note + other)] };
}

async function dataWithLabels(
  { services }: Pick<Context, 'services'>,
  path: string,
  { task: asked, targetColumn }: { task: ClassificationTask | undefined; targetColumn: string | undefined },
): Promise<LabelledData> {
  const { recogniseData } = await services.data();
  const { training, validation, test, labelKind, table, example, ...found } = await recogniseData(path, {
    labelKind: asked && (asked === 'image_classification' ? 'multiclass' : 'multilabel'),
    targetColumn,
  });
  const task = labelKind === 'multilabel' ? 'image_classification_multilabel' : 'image_classification';
  const notes: string[] = [];
  if (table !== null) {
    const files = [training, validation].filter((file) => file !== undefined).map(shortPath);
    const what = labelKind === 'multilabel' ? 'labels' : 'classes';
    notes.push(`${files.join(' and ')}: images from the column "${table.image}", ${what} from "${table.label}"`);
  }
  if (example !== null && asked === undefined) {
    const [other] = classificationTasks.filter((one) => one !== task);
    const shown = JSON.stringify(example.length > 60 ? `${example.slice(0, 60)}…` : example);
    notes.push(
      labelKind === 'multilabel'
        ? `${shown} is taken for several labels: task ${task}`
        : `${shown} is taken for the name of one class; if it is several labels: --task ${other}`,
    );
  }
  const optional = { ...(validation !== undefined && { validation }), ...(test !== undefined && { test }) };
  return { training, ...optional, targetColumn: found.targetColumn, task, notes: notes.map(printable) };
}

/** @throws CommandFailure when a path of labelled data is not there, or is a job file */
export async function requireThere(path: string): Promise<void> {
  if ((await stat(path).catch(() => null)) === null)
    throw new CommandFailure(`${path} is not there`, { hint: `it would be ${resolve(path)}` });
  if (!/\.ya?ml$/i.test(path)) return;
  // YOLO's data.yaml names its classes, a job file its type and task.
  if (/^["']?names["']?\s*:/m.test(await readFile(path, 'utf8'))) return;
  const hint = `for a job file: fovea job create --file ${path} --stream`;
  throw new CommandFailure(`${path} is not labelled data`, { hint });
}
