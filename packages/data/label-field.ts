import type { LabelKind } from './dataset.ts';
import { describeValue, type TableForm } from './row.ts';

/** Why a value cannot be the label of an image. `message` continues the name of the column. */
export interface LabelFault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Turns the label field of one row into the image's labels, sorted and each once. */
export type LabelReader = (value: unknown) => readonly string[] | LabelFault;

/**
 * The reader of a table's label column.
 *
 * - multi-class: the value is the name of the one class.
 * - multi-label, JSON lines: a list of names; an empty list is an image without labels. A name alone is refused, for it may
 *   be a class as well as a list that was not written as one.
 * - multi-label, delimited: the names are parted by blanks, or by `;`, `|` or `,` when any cell of the column has one (names
 *   may have blanks then). A list in JSON is taken, too. An empty cell is an image without labels.
 *
 * @param values the whole column, which decides what parts the names
 */
export function labelReader(values: readonly unknown[], labelKind: LabelKind, form: TableForm): LabelReader {
  if (labelKind === 'multiclass') return oneClass;
  if (form === 'json-lines') return listOfNames;
  const separator = separatorOf(values);
  return (value) => namesInCell(value, separator);
}

function oneClass(value: unknown): readonly string[] | LabelFault {
  if (typeof value !== 'string') return wrongType(value, rightClass(value));
  return value.trim() === ''
    ? { code: 'label-empty', message: 'is empty', hint: 'give the name of the class' }
    : [value];
}

function rightClass(value: unknown): string {
  if (Array.isArray(value)) {
    return value.some((item) => typeof item === 'object')
      ? 'that is for object detection or segmentation; image_classification takes one class name'
      : 'that is multi-label, task image_classification_multilabel; image_classification takes one class name';
  }
  return isPlain(value) ? asText(value) : 'it is the name of one class, as in "cat"';
}

function listOfNames(value: unknown): readonly string[] | LabelFault {
  if (typeof value === 'string') {
    const hint = `that is one class, task image_classification; image_classification_multilabel takes a list, as in [${JSON.stringify(value)}]`;
    return wrongType(value, hint);
  }
  if (!Array.isArray(value)) return wrongType(value, 'it is a list of names, as in ["cat", "dog"], or [] for none');
  const odd = value.find((item) => typeof item !== 'string');
  if (odd !== undefined) {
    const hint =
      typeof odd === 'object' && odd !== null
        ? 'that is for object detection or segmentation; image_classification_multilabel takes names'
        : isPlain(odd)
          ? `write it as text, "${odd}"`
          : 'each item is the name of a label';
    return { code: 'label-type', message: `has ${describeValue(odd)} in its list`, hint };
  }
  return value.some((name: string) => name.trim() === '')
    ? { code: 'label-empty', message: 'has an empty name in its list', hint: 'an image without labels has []' }
    : unique(value);
}

function namesInCell(value: unknown, separator: RegExp): readonly string[] | LabelFault {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return listOfNames(value);
  if (typeof value !== 'string') return wrongType(value, asText(value));
  if (/^\s*\[/.test(value)) {
    const list = parsed(value);
    return Array.isArray(list)
      ? listOfNames(list)
      : {
          code: 'label-type',
          message: `begins like a list (${JSON.stringify(value)}) but is none in JSON`,
          hint: 'write the names with a blank between them',
        };
  }
  return namesIn(value, separator);
}

/** The names in a cell, sorted and each once. */
export function namesIn(cell: string, separator: RegExp): string[] {
  const names = cell.split(separator).map((name) => name.trim());
  return unique(names.filter((name) => name !== ''));
}

/** What parts the names in a column of cells: one sign for all of it. */
export function separatorOf(values: readonly unknown[]): RegExp {
  const used = [';', '|', ','].find((sign) =>
    values.some((value) => typeof value === 'string' && !/^\s*\[/.test(value) && value.includes(sign)),
  );
  return used === undefined ? /\s+/ : new RegExp(`[${used}]`);
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

const isPlain = (value: unknown) => typeof value === 'number' || typeof value === 'boolean';

const asText = (value: unknown) =>
  `write it as text, "${value}", or convert the column to string in the MLTable (convert_column_types)`;

const wrongType = (value: unknown, hint: string): LabelFault => ({
  code: 'label-type',
  message: `is ${describeValue(value)}`,
  hint,
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
