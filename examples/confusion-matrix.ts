import { styleText } from 'node:util';

/** A labelled image and the model's answer to it. */
export interface Answer {
  file: string;
  label: string;
  predicted: string;
  /** Of the predicted label, in [0, 1]. */
  probability: number;
}

/**
 * How often each true label (row) was taken for each label (column), as text; the diagonal is what was right.
 *
 * @param labels in the order wanted
 */
export function confusionMatrix(
  answers: readonly Answer[],
  labels: readonly string[],
  { colours = false } = {},
): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  const first = Math.max(...labels.map((label) => label.length), 'true'.length);
  const widths = labels.map((label) => Math.max(label.length, 4));
  const head = labels.map((label, column) => label.padStart(widths[column])).join('  ');
  const rows = labels.map((label) => {
    const cells = labels.map((other, column) => {
      const count = answers.filter((answer) => answer.label === label && answer.predicted === other).length;
      const cell = (count === 0 ? '·' : String(count)).padStart(widths[column]);
      return paint(label === other ? 'green' : count > 0 ? 'red' : 'dim', cell);
    });
    return `  ${label.padEnd(first)}  ${cells.join('  ')}`;
  });
  return [paint('dim', `  ${'true'.padEnd(first)}  ${head}   ← predicted`), ...rows].join('\n');
}
