import type { ImageRecord, LabelKind } from './dataset.ts';
import { type Issue, shortPath } from './issue.ts';

/** Each image once. Twice with the same labels is odd, with others wrong. */
export function withoutDoubles(
  found: readonly ImageRecord[],
  labelKind: LabelKind,
): { records: ImageRecord[]; issues: Issue[] } {
  const first = new Map<string, ImageRecord>();
  const issues: Issue[] = [];
  for (const record of found) {
    const other = first.get(record.file);
    if (!other) {
      first.set(record.file, record);
      continue;
    }
    const { file, line } = other.source;
    const place = file === record.source.file ? `line ${line}` : `${file}, line ${line}`;
    const image = shortPath(record.file);
    issues.push(
      named(other.labels) === named(record.labels)
        ? {
            code: 'image-twice',
            severity: 'warning',
            ...record.source,
            message: `${image} stands in ${place} already; it is used once`,
          }
        : {
            code: 'two-labels',
            severity: 'error',
            ...record.source,
            message: `${image} is ${named(record.labels)} here and ${named(other.labels)} in ${place}`,
            hint:
              labelKind === 'multiclass'
                ? 'an image has one class in image_classification'
                : 'all labels of an image stand in one line',
          },
    );
  }
  return { records: [...first.values()], issues };
}

const named = (labels: readonly string[]): string =>
  labels.length === 0 ? 'without a label' : labels.map((label) => `"${label}"`).join(', ');
