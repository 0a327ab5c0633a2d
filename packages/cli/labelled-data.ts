import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { printable } from './printable.ts';
import { shortPath } from './summary.ts';

export const classificationTasks = ['image_classification', 'image_classification_multilabel'] as const;
export type ClassificationTask = (typeof classificationTasks)[number];

/** Labelled images that a person named by a path. */
export interface LabelledData {
  readonly training: string;
  readonly validation?: string;
  readonly test?: string;
  readonly targetColumn: string;
  readonly task: ClassificationTask;
  /** What was found out by itself, and how to say otherwise. */
  readonly notes: readonly string[];
}

/**
 * Finds out what the path of a command line holds.
 * @throws CommandFailure when there is nothing, IssuesError when it is not clear what is meant
 */
export async function labelledData(
  { services }: Pick<Context, 'services'>,
  path: string,
  { task: asked, targetColumn }: { task?: ClassificationTask | undefined; targetColumn?: string | undefined } = {},
): Promise<LabelledData> {
  await requireThere(path);
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
  const hint = `for a job file: fovea job create --file ${path} --stream`;
  throw new CommandFailure(`${path} is not labelled data`, { hint });
}
