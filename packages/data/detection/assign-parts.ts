import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Issue, IssuesError } from '../issue.ts';
import { type Part, partsOf } from '../split-column.ts';
import { fieldsOf, imageColumn } from '../table-columns.ts';
import { readTableRows } from '../table-rows.ts';
import type { AnnotatedImage } from './annotated-image.ts';
import { splitObjects } from './object-split.ts';

/**
 * Says of each image what it is for.
 * @param splits a CSV file with a column of images and one called `split`, or shares: `0.8,0.2` for training and validation,
 *   `0.7,0.2,0.1` with testing
 * @param seed for shares
 * @throws IssuesError when it is neither
 */
export async function assignParts(
  images: readonly AnnotatedImage[],
  splits: string,
  seed: number,
): Promise<{ images: AnnotatedImage[]; issues: Issue[] }> {
  const shares = sharesIn(splits);
  return shares ? { images: byShares(images, shares, seed), issues: [] } : byTable(images, resolve(splits));
}

/** Two or three positive numbers that make up one; null when that is not what is meant. */
function sharesIn(text: string): number[] | null {
  const shares = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  if (shares.some((share) => Number.isNaN(share))) return null;
  const sum = shares.reduce((total, share) => total + share, 0);
  if (shares.length >= 2 && shares.length <= 3 && shares.every((share) => share > 0) && Math.abs(sum - 1) < 1e-6)
    return shares;
  const message = 'shares are two or three positive numbers that make up 1';
  throw new IssuesError([
    { code: 'shares', severity: 'error', file: text, message, hint: 'for example 0.8,0.2 or 0.7,0.2,0.1' },
  ]);
}

function byShares(
  images: readonly AnnotatedImage[],
  [train, validation, test]: number[],
  seed: number,
): AnnotatedImage[] {
  const [rest, testing] = test === undefined ? [images, []] : splitObjects(images, test, seed);
  const [, validating] = splitObjects(rest, validation / (train + validation), seed);
  const parts = new Map<AnnotatedImage, Part>();
  for (const image of testing) parts.set(image, 'test');
  for (const image of validating) parts.set(image, 'validation');
  return images.map((image) => ({ ...image, part: parts.get(image) ?? 'train' }));
}

async function byTable(
  images: readonly AnnotatedImage[],
  file: string,
): Promise<{ images: AnnotatedImage[]; issues: Issue[] }> {
  const fault = (message: string, hint: string) =>
    new IssuesError([{ code: 'splits', severity: 'error', file, message, hint }]);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw fault(
      'there is no such file',
      '--splits takes a CSV file with the columns image and split, or shares such as 0.8,0.2',
    );
  const { rows, issues } = await readTableRows(file);
  const fields = fieldsOf(rows);
  const column = imageColumn(fields, { mayDiffer: true });
  const split = partsOf(rows, fields);
  if (split === null || !fields.includes(column))
    throw fault(`its columns are ${fields.join(', ') || 'none'}`, 'it needs image (or file) and split');
  const parts = new Map<string, Part>();
  for (const [part, members] of Object.entries(split.parts) as [Part, typeof rows][])
    for (const row of members) {
      const name = String(row.fields[column]).replaceAll('\\', '/');
      parts.set(name, part);
      // The path may start from another folder than that of the annotations.
      if (!parts.has(basename(name))) parts.set(basename(name), part);
    }
  const found = issues.concat(split.issues);
  const assigned = images.map((image): AnnotatedImage => {
    const part = parts.get(image.name) ?? parts.get(basename(image.name));
    if (part !== undefined) return { ...image, part };
    const message = `${image.name} is not in it`;
    found.push({
      code: 'split-missing',
      severity: 'error',
      file,
      message,
      hint: 'each image has a row that says train, val or test',
    });
    return image;
  });
  return { images: assigned, issues: found };
}
