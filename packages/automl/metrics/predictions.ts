/** A metric by its name; null where its definition gives no value, as the area under a ROC curve with one class only. */
export type MetricValues = Record<string, number | null>;

/** What a model that chooses one class said about N images. */
export interface ClassPredictions {
  /** Class indices [N]. */
  truth: readonly number[];
  /** [N][classes], rows that sum to 1. */
  probabilities: readonly ArrayLike<number>[];
  classes: readonly string[];
}

/** What a model that gives each label its own yes or no said about N images. */
export interface LabelPredictions {
  /** 1 where the image has the label, otherwise 0 [N][labels]. */
  truth: readonly ArrayLike<number>[];
  /** Probabilities [N][labels], each in 0..1. */
  scores: readonly ArrayLike<number>[];
  labels: readonly string[];
}

/** Scores of N images for C labels with what is true: the form in which both kinds of prediction are ranked. */
export interface ScoreMatrix {
  rows: readonly ArrayLike<number>[];
  columns: number;
  isTrue(row: number, column: number): boolean;
}

/** @throws RangeError when the parts do not fit each other or hold anything but finite numbers */
export function classScores({ truth, probabilities, classes }: ClassPredictions): ScoreMatrix {
  checkRows('probabilities', probabilities, truth.length, classes.length);
  for (const [i, index] of truth.entries()) {
    if (!(Number.isInteger(index) && index >= 0 && index < classes.length)) {
      throw new RangeError(`truth[${i}] is ${index}; expected a class index from 0 to ${classes.length - 1}`);
    }
  }
  return { rows: probabilities, columns: classes.length, isTrue: (row, column) => truth[row] === column };
}

/** @throws RangeError when the parts do not fit each other or hold anything but finite numbers */
export function labelScores({ truth, scores, labels }: LabelPredictions): ScoreMatrix {
  checkRows('truth', truth, scores.length, labels.length);
  checkRows('scores', scores, truth.length, labels.length);
  return { rows: scores, columns: labels.length, isTrue: (row, column) => truth[row][column] === 1 };
}

function checkRows(name: string, rows: readonly ArrayLike<number>[], count: number, columns: number): void {
  if (rows.length === 0) throw new RangeError('there are no images to judge');
  if (rows.length !== count) throw new RangeError(`${name} has ${rows.length} rows, expected ${count}`);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row.length !== columns) throw new RangeError(`${name}[${i}] has ${row.length} values, expected ${columns}`);
    for (let j = 0; j < columns; j++) {
      if (!Number.isFinite(row[j]))
        throw new RangeError(`${name}[${i}][${j}] is ${row[j]}; metrics need finite numbers`);
    }
  }
}
