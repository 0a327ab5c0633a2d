import type { Issue } from '../issue.ts';
import type { Part } from '../split-column.ts';
import type { LabelledObject, ObjectRecord } from './object-record.ts';

/** Formats of annotations that are read and written. */
export const FORMATS = ['coco', 'voc', 'yolo', 'jsonl'] as const;
export type WrittenFormat = (typeof FORMATS)[number];

/** Formats that are read: also those of the VGG Image Annotator, and pictures of masks. */
export const READ_FORMATS = [...FORMATS, 'via', 'masks'] as const;
export type AnnotationFormat = (typeof READ_FORMATS)[number];

/** An object with what some formats say of it and others do not. */
export interface AnnotatedObject extends LabelledObject {
  /** Only part of it is in the image. */
  readonly truncated?: boolean;
  /** Something is in front of it. */
  readonly occluded?: boolean;
  readonly pose?: string;
}

/** A picture with its objects, on its way from one format to another. */
export interface AnnotatedImage extends ObjectRecord {
  /** Its path below the folder of images, as the source has it, with `/`. */
  readonly name: string;
  /** What the source says that it is for. */
  readonly part: Part | undefined;
  readonly objects: readonly AnnotatedObject[];
}

/** All that a source has. */
export interface Annotations {
  readonly images: AnnotatedImage[];
  /** In the order of the source, those included that no object has. */
  readonly classes: readonly string[];
  readonly issues: Issue[];
  readonly losses: Losses;
}

/** How a source is read. */
export interface ImporterOptions {
  /** Absolute folder where the images are, if not where the format has them. */
  readonly imagesFolder?: string | undefined;
  /** Boxes and outlines that would be refused are mended where it is clear how; each is told. Default false. */
  readonly repair?: boolean | undefined;
  /** The class of objects whose format has no place for one. */
  readonly label?: string | undefined;
}

/** Something that one format says and another cannot. */
export interface Loss {
  /** Stable kebab-case name of the kind of loss. */
  readonly code: string;
  /** What was not carried over, for people. */
  readonly message: string;
  /** How often. */
  readonly count: number;
  /** The first place. */
  readonly file: string;
  readonly line?: number;
}

/** Counts what is not carried over, by kind. */
export class Losses {
  readonly #found = new Map<string, { code: string; message: string; count: number; file: string; line?: number }>();

  add(code: string, message: string, { file, line }: { file: string; line?: number | undefined }, count = 1): void {
    const known = this.#found.get(code);
    if (known) known.count += count;
    else this.#found.set(code, { code, message, count, file, ...(line !== undefined && { line }) });
  }

  list(): Loss[] {
    return [...this.#found.values()];
  }
}
