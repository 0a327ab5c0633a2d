import { tablesIn } from '../recognise-data.ts';
import type { Part } from '../split-column.ts';
import { readTableRows } from '../table-rows.ts';
import { type ImportedFormat, importedFormats, importedParts } from './read-objects.ts';

/** Annotations of objects, found out from the files themselves. */
export interface RecognisedObjects {
  /** Absolute: what `readObjects` takes. */
  readonly training: string;
  /** Where it is a path of its own. */
  readonly validation?: string;
  readonly test?: string;
  readonly format: ImportedFormat | 'jsonl';
}

/**
 * Whether a path holds annotations of objects (boxes or outlines); undefined when it is something else:
 *
 * - a table with objects in its label column, or a folder with such tables called `train` and `validation`;
 * - COCO, Pascal VOC or YOLO in their usual layouts;
 * - a folder with `train` and `val` of these.
 * @param path absolute
 * @throws IssuesError when files could be meant in more than one way
 */
export async function recogniseObjects(path: string, targetColumn = 'label'): Promise<RecognisedObjects | undefined> {
  const [format] = importedFormats(path);
  if (format !== undefined) return { training: path, format };
  const { train, validation, test } = await tablesIn(path);
  if (train === undefined) return partsOf(path);
  const { rows } = await readTableRows(train);
  const hasObjects = rows.some(({ fields }) => {
    const label = fields[targetColumn];
    return Array.isArray(label) && label.some((item) => typeof item === 'object' && item !== null);
  });
  return hasObjects ? { training: train, ...others({ validation, test }), format: 'jsonl' } : undefined;
}

function partsOf(path: string): RecognisedObjects | undefined {
  const { train, ...rest } = importedParts(path);
  return train === undefined ? undefined : { training: train, ...others(rest), format: importedFormats(train)[0] };
}

const others = ({ validation, test }: Partial<Record<Part, string>>) => ({
  ...(validation !== undefined && { validation }),
  ...(test !== undefined && { test }),
});
