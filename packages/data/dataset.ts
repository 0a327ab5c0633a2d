/** How many classes an image has: exactly one, or any number of them, none included. */
export type LabelKind = 'multiclass' | 'multilabel';

/** One picture with its labels. */
export interface ImageRecord {
  /** Absolute path of the image. */
  readonly file: string;
  /** Its classes, sorted and each once: one in a multi-class set, any number in a multi-label one. */
  readonly labels: readonly string[];
  /** Where this record was read: the JSONL or CSV file and its line, or the folder of class folders. */
  readonly source: { readonly file: string; readonly line?: number };
  /** Pixels, after EXIF orientation. 0 until known: from `image_details`, later from the file by `verifyImages`. */
  width: number;
  height: number;
  /** Size of the image file. */
  readonly bytes: number;
}

/** Labelled images of one set. */
export interface Dataset {
  /** For people: the name of the folder or file that it was read from. */
  readonly name: string;
  /** Sorted by code unit, unique. Index i is output i of a model. */
  readonly classes: readonly string[];
  readonly records: ImageRecord[];
}

/** The sorted unique labels of `records`. */
export function classesOf(records: readonly ImageRecord[]): string[] {
  return [...new Set(records.flatMap(({ labels }) => labels))].sort();
}
