import type { Page, PageRequest } from './store.ts';

/**
 * The place in a list where its next part begins, as `Page.next` names it: the order's numbers of the last row shown.
 * @returns null for the beginning
 * @throws RangeError for a text that no list gave
 */
export function readPlace({ after }: PageRequest, length: 1 | 2): readonly number[] | null {
  if (after === undefined) return null;
  const numbers = after.split('.').map(Number);
  if (numbers.length !== length || !/^\d+(\.\d+)?$/.test(after) || !numbers.every(Number.isSafeInteger)) {
    throw new RangeError(`"${after}" is not a place in this list; give what the part before it named as its next`);
  }
  return numbers;
}

/** @param most what `PageRequest` said. How many rows to ask for: one more than are wanted tells whether there are more. */
export const asked = (most: number): number => most + 1;

/** A page of rows of which `asked` many were asked for. @param place the numbers of a row */
export function pageOf<Row>(rows: Row[], { most }: PageRequest, place: (row: Row) => readonly number[]): Page<Row> {
  if (most === undefined || rows.length <= most) return { rows, next: null };
  const shown = rows.slice(0, most);
  return { rows: shown, next: shown.length > 0 ? place(shown[shown.length - 1]).join('.') : null };
}

/** @throws RangeError unless `most` is a whole number from 1, or left out */
export function checkMost({ most }: PageRequest): void {
  if (most !== undefined && !(Number.isSafeInteger(most) && most >= 1)) {
    throw new RangeError(`a list can have at most ${most} rows only if that is a whole number of 1 or more`);
  }
}
