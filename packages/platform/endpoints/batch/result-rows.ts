import type { ItemResult } from './kept-results.ts';
import { isFailure } from './kept-results.ts';

/** Classes of a multi-label model from this probability on are its answer. */
const THRESHOLD = 0.5;

interface Row {
  /** What people look for, by the columns of the task. */
  readonly cells: readonly (string | number)[];
  /** Classes that the picture is counted among. */
  readonly labels: readonly string[];
}

interface Form {
  readonly columns: readonly string[];
  read(prediction: Readonly<Record<string, unknown>>): Row;
}

const classified = ({ probs, labels }: Readonly<Record<string, unknown>>) => ({
  probs: (probs ?? []) as readonly number[],
  labels: (labels ?? []) as readonly string[],
});

const objects: Form = {
  columns: ['objects', 'labels'],
  read({ boxes }) {
    const counts = new Map<string, number>();
    const found = (boxes ?? []) as readonly { label: string }[];
    for (const { label } of found) counts.set(label, (counts.get(label) ?? 0) + 1);
    const words = Array.from(counts, ([label, count]) => `${label}:${count}`);
    return { cells: [found.length, words.join(';')], labels: found.map(({ label }) => label) };
  },
};

const forms: Readonly<Record<string, Form>> = {
  image_classification: {
    columns: ['label', 'score'],
    read(prediction) {
      const { probs, labels } = classified(prediction);
      const best = probs.reduce((top, value, i) => (value > probs[top] ? i : top), 0);
      const label = labels[best] ?? '';
      return { cells: [label, probs[best] ?? ''], labels: [label] };
    },
  },
  image_classification_multilabel: {
    columns: ['labels'],
    read(prediction) {
      const { probs, labels } = classified(prediction);
      const chosen = labels.filter((_, i) => probs[i] >= THRESHOLD);
      return { cells: [chosen.join(';')], labels: chosen };
    },
  },
  image_object_detection: objects,
  image_instance_segmentation: objects,
};

/** How the results of a task stand in a table: `file`, what people look for, the whole `prediction` as JSON, `error`. */
export function resultForm(task: string): {
  header: string;
  row(result: ItemResult): string;
  labels(result: ItemResult): readonly string[];
} {
  const form = forms[task] ?? { columns: [], read: () => ({ cells: [], labels: [] }) };
  return {
    header: csvLine(['file', ...form.columns, 'prediction', 'error']),
    row(result) {
      if (isFailure(result)) return csvLine([result.file, ...form.columns.map(() => ''), '', result.error]);
      const { prediction, file } = result;
      return csvLine([file, ...form.read(prediction).cells, JSON.stringify(prediction), '']);
    },
    labels: (result) => (isFailure(result) ? [] : form.read(result.prediction).labels),
  };
}

/** A line as RFC 4180 has it. */
export const csvLine = (cells: readonly (string | number)[]): string => `${cells.map(csvCell).join(',')}\r\n`;

function csvCell(cell: string | number): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
