import { tablesIn } from '../recognise-data.ts';
import { readTableRows } from '../table-rows.ts';

/** Annotations of objects, found out from the files themselves. */
export interface RecognisedObjects {
  /** Absolute: a folder with an MLTable, or a JSONL file. */
  readonly training: string;
  /** Where it is a path of its own. */
  readonly validation?: string;
}

/**
 * Whether a path is a table with objects in its label column (boxes or outlines), or a folder with such tables called `train` and
 * `validation`; undefined when it is something else.
 * @param path absolute
 * @throws IssuesError when files could be meant in more than one way
 */
export async function recogniseObjects(path: string, targetColumn = 'label'): Promise<RecognisedObjects | undefined> {
  const { train, validation } = await tablesIn(path);
  if (train === undefined) return undefined;
  const { rows } = await readTableRows(train);
  const hasObjects = rows.some(({ fields }) => {
    const label = fields[targetColumn];
    return Array.isArray(label) && label.some((item) => typeof item === 'object' && item !== null);
  });
  return hasObjects ? { training: train, ...(validation !== undefined && { validation }) } : undefined;
}
