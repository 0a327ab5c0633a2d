import type { Dataset, ImageRecord, LabelKind } from '../dataset.ts';
import type { ObjectTask } from '../detection/object-field.ts';
import { labelsOf, type ObjectDataset } from '../detection/object-record.ts';
import type { Issue } from '../issue.ts';
import { samePictures } from './duplicates.ts';
import { type Finding, findingsOf } from './findings.ts';
import type { ImageTraits } from './image-traits.ts';
import { type ClassCount, classCounts, type LabelStatistics, labelStatistics } from './label-statistics.ts';
import { type ObjectStatistics, objectStatistics } from './object-statistics.ts';
import {
  medianShortSide,
  type OddSize,
  oddSize,
  type PictureStatistics,
  pictureStatistics,
} from './picture-statistics.ts';
import { type ModelAnswers, type SuspiciousLabels, suspiciousLabels } from './suspicious-labels.ts';

/** An image as the report names it. */
export interface ReportedImage {
  /** Absolute path. */
  readonly file: string;
  readonly set: 'training' | 'validation';
  readonly labels: readonly string[];
  /** Where it was named: the table and its line, or the folder of class folders. */
  readonly source: { readonly file: string; readonly line?: number };
}

/** Pictures that are one and the same, byte by byte (`exact`) or as they look. */
export interface ReportedDuplicates {
  readonly exact: boolean;
  readonly different_labels: boolean;
  readonly in_both_sets: boolean;
  /** `distance`: bits of 64 in which the perceptual hash differs from that of the first image. */
  readonly images: readonly (ReportedImage & { readonly distance: number; readonly mirrored: boolean })[];
}

export interface ReportedSuspicion extends ReportedImage {
  readonly kind: SuspiciousLabels<unknown>['found'][number]['kind'];
  readonly label: string;
  readonly suggested: string;
  readonly probability: number;
  readonly probability_as_labelled: number;
}

/** All that is said of a dataset before training. Keys as they are written in JSON. */
export interface DataReport {
  /** Grows when a key changes its meaning or goes; keys may be added. */
  readonly schema_version: 1;
  /** For people: the name of the folder or file. */
  readonly name: string;
  readonly task:
    | 'image_classification'
    | 'image_classification_multilabel'
    | 'image_object_detection'
    | 'image_instance_segmentation';
  /** False when an error keeps training from starting. */
  readonly can_train: boolean;
  /** What there is to say, the worst first. */
  readonly findings: readonly Finding[];
  readonly images: {
    readonly training: number;
    readonly validation: number;
    readonly test: number;
    readonly unusable: number;
  };
  /** Whether there is a validation set, or training will split one off. */
  readonly has_validation: boolean;
  readonly classes: readonly ClassCount[];
  /** Of the training images; null with fewer than two classes. */
  readonly imbalance: { readonly largest: string; readonly smallest: string; readonly ratio: number } | null;
  /** Of a multi-label set. */
  readonly labels: LabelStatistics | null;
  /** Of a set of images with objects, where `labels` of an image are those of its objects, each once. */
  readonly objects: ObjectStatistics | null;
  readonly pictures: PictureStatistics;
  readonly odd_sizes: readonly (ReportedImage & {
    readonly what: OddSize;
    readonly width: number;
    readonly height: number;
  })[];
  /** With different labels first, then those in both sets, then exact copies. */
  readonly duplicates: readonly ReportedDuplicates[];
  /** Null when no model was asked. */
  readonly suspicious_labels: {
    readonly model: string;
    readonly judged: number;
    readonly agreement: number;
    readonly thresholds: SuspiciousLabels<unknown>['thresholds'];
    /** The worst first. */
    readonly images: readonly ReportedSuspicion[];
  } | null;
  readonly issues: readonly Issue[];
}

/** Images as they were read, and what opening them has shown. */
export interface ReportInput {
  readonly training: Dataset;
  readonly validation?: Dataset | undefined;
  readonly testImages: number;
  readonly labelKind: LabelKind;
  /** For images with objects, whose labels (`withLabels`) are then what `training` and `validation` have. */
  readonly objects?:
    | {
        readonly training: ObjectDataset;
        readonly validation?: ObjectDataset | undefined;
        /** Default `detection`. */
        readonly task?: ObjectTask;
      }
    | undefined;
  /** Of reading and of opening. */
  readonly issues: readonly Issue[];
  /** By file. */
  readonly traits: ReadonlyMap<string, ImageTraits>;
  readonly answers?: ModelAnswers | undefined;
}

/** A set of images with objects as one of images with several labels, those of their objects. */
export const withLabels = ({ name, classes, records }: ObjectDataset): Dataset => ({
  name,
  classes,
  records: records.map(({ objects, ...image }) => ({ ...image, labels: labelsOf({ objects }) })),
});

/** @throws the signal's AbortError when it is aborted */
export async function dataReport(input: ReportInput, { signal }: { signal?: AbortSignal } = {}): Promise<DataReport> {
  const { training, validation, testImages, labelKind, objects, issues, traits, answers } = input;
  const images = [
    ...training.records.map((record) => reported(record, 'training')),
    ...(validation?.records ?? []).map((record) => reported(record, 'validation')),
  ];
  const usable = images.flatMap((image) => {
    const found = traits.get(image.file);
    return found ? [{ image, traits: found }] : [];
  });
  const pictures = usable.map((one) => one.traits);
  const medianSide = medianShortSide(pictures);
  const classes = classCounts(training, validation);
  const isMultilabel = labelKind === 'multilabel' && objects === undefined;
  const suspicious = answers && suspiciousLabels(images, answers, isMultilabel);
  const facts: Omit<DataReport, 'findings'> = {
    schema_version: 1,
    name: training.name,
    task: objects
      ? objects.task === 'segmentation'
        ? 'image_instance_segmentation'
        : 'image_object_detection'
      : isMultilabel
        ? 'image_classification_multilabel'
        : 'image_classification',
    can_train: issues.every(({ severity }) => severity !== 'error'),
    images: {
      training: training.records.length,
      validation: validation?.records.length ?? 0,
      test: testImages,
      unusable: images.length - usable.length,
    },
    has_validation: validation !== undefined,
    classes,
    imbalance: imbalanceOf(classes),
    labels: isMultilabel ? labelStatistics(images, classes.length) : null,
    objects: objects
      ? objectStatistics(
          { training: objects.training.records, validation: objects.validation?.records ?? [] },
          classes.map(({ name }) => name),
          traits,
        )
      : null,
    pictures: pictureStatistics(pictures),
    odd_sizes: usable.flatMap(({ image, traits: found }) => {
      const what = oddSize(found, medianSide);
      return what ? [{ what, ...image, width: found.width, height: found.height }] : [];
    }),
    duplicates: (await samePictures(usable, signal))
      .map(({ exact, members }) => reportedDuplicates(exact, members))
      .sort(byImportance),
    suspicious_labels: suspicious
      ? {
          model: answers.model,
          judged: suspicious.judged,
          agreement: suspicious.agreement,
          thresholds: suspicious.thresholds,
          images: suspicious.found.map(({ item, ...suspicion }) => ({ ...item, ...suspicion })),
        }
      : null,
    issues,
  };
  // People read JSON from the top: what is wrong comes before what is.
  const { schema_version, name, task, can_train, ...rest } = facts;
  return { schema_version, name, task, can_train, findings: findingsOf(facts), ...rest };
}

function reported({ file, labels, source }: ImageRecord, set: ReportedImage['set']): ReportedImage {
  return { file, set, labels, source };
}

function imbalanceOf(classes: readonly ClassCount[]): DataReport['imbalance'] {
  const trained = classes.filter(({ training }) => training > 0).sort((a, b) => b.training - a.training);
  const [largest, smallest] = [trained[0], trained.at(-1)];
  if (trained.length < 2 || !smallest) return null;
  return { largest: largest.name, smallest: smallest.name, ratio: largest.training / smallest.training };
}

function reportedDuplicates(
  exact: boolean,
  members: readonly { item: { image: ReportedImage }; distance: number; mirrored: boolean }[],
): ReportedDuplicates {
  const images = members.map(({ item, distance, mirrored }) => ({ ...item.image, distance, mirrored }));
  const [first] = images;
  return {
    exact,
    different_labels: images.some(({ labels }) => labels.join('\n') !== first.labels.join('\n')),
    in_both_sets: images.some(({ set }) => set !== first.set),
    images,
  };
}

function byImportance(a: ReportedDuplicates, b: ReportedDuplicates): number {
  const weight = (one: ReportedDuplicates) =>
    (one.different_labels ? 4 : 0) + (one.in_both_sets ? 2 : 0) + (one.exact ? 1 : 0);
  return weight(b) - weight(a) || b.images.length - a.images.length;
}
