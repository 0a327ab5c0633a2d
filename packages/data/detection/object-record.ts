/** Corners in shares of the image's width and height, 0 to 1, origin at the top left: `[left, top, right, bottom]`. */
export type NormalisedBox = readonly [x1: number, y1: number, x2: number, y2: number];

/** One object in an image. */
export interface LabelledObject {
  readonly label: string;
  /** With an area: `x1 < x2`, `y1 < y2`, inside of the image. */
  readonly box: NormalisedBox;
  /**
   * The outline, in pieces that together are the object: `[x1, y1, x2, y2, …]` in shares of width and height, three points
   * or more, the last one joined to the first.
   */
  readonly polygons?: readonly (readonly number[])[];
  /** A group that was not told apart: metrics pass over it. */
  readonly crowd: boolean;
}

/** One picture with its objects. */
export interface ObjectRecord {
  /** Absolute path of the image. */
  readonly file: string;
  /** Where this record was read. */
  readonly source: { readonly file: string; readonly line?: number };
  /** Pixels, after EXIF orientation. 0 until known: from `image_details`, later from the file by `verifyImages`. */
  width: number;
  height: number;
  /** Size of the image file. */
  readonly bytes: number;
  /** None: a picture of background. */
  readonly objects: readonly LabelledObject[];
}

/** Images with their objects, of one set. */
export interface ObjectDataset {
  /** For people: the name of the folder or file that it was read from. */
  readonly name: string;
  /** Sorted by code unit, unique. */
  readonly classes: readonly string[];
  readonly records: ObjectRecord[];
}

/** The labels of an image's objects, sorted and each once. */
export function labelsOf({ objects }: Pick<ObjectRecord, 'objects'>): string[] {
  return [...new Set(objects.map(({ label }) => label))].sort();
}

/** The sorted unique labels of all objects. */
export function objectClassesOf(records: readonly Pick<ObjectRecord, 'objects'>[]): string[] {
  const classes = new Set<string>();
  for (const { objects } of records) for (const { label } of objects) classes.add(label);
  return [...classes].sort();
}
