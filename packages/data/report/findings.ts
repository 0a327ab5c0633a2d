import { type Issue, shortPath } from '../issue.ts';
import type { DataReport, ReportedDuplicates, ReportedImage, ReportedSuspicion } from './data-report.ts';
import { LOST_SIDE, USUAL_DETECTIONS, USUAL_LONGER_SIDE } from './object-statistics.ts';
import { LONG_RATIO, type OddSize } from './picture-statistics.ts';

/** One thing that a person should know of the data. */
export interface Finding {
  /** Stable kebab-case name of the kind of finding. */
  readonly code: string;
  /** An error keeps training from starting; a warning makes the model or its metrics worse; a note is good to know. */
  readonly severity: 'error' | 'warning' | 'note';
  /** A sentence without capital and full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** Images, pairs or classes that it is about. */
  readonly count: number;
  /** The first few of them, in words. */
  readonly examples: readonly string[];
}

type Facts = Omit<DataReport, 'findings'>;

/** Examples of a finding; the report has all of them elsewhere. */
const MOST_EXAMPLES = 5;

/** Images of a class below which it is hardly learned. */
const FEW_IMAGES = 15;

/** A model that agrees with fewer of the labels is no judge of them. */
const WEAK_MODEL = 0.8;

/** Largest to smallest class; from here on the small one is neglected unless its images weigh more. */
const UNBALANCED = 3;
const VERY_UNBALANCED = 10;

/** Share of objects too small to be learned from which on it is more than a few oddities. */
const MANY_LOST = 0.1;

/** A network that sees 224 × 224 gains nothing from pictures that are enlarged to it. */
const LOW_RESOLUTION = 112;

/** All that is to be said, errors first, then what spoils labels and metrics, then the rest. */
export function findingsOf(facts: Facts): Finding[] {
  const found = [
    ...ofIssues(facts.issues, 'error'),
    ...ofDuplicates(facts),
    ...ofSuspicions(facts),
    ...ofClasses(facts),
    ...ofObjects(facts),
    ...ofSizes(facts),
    ...ofIssues(facts.issues, 'warning'),
    ...ofKinds(facts),
  ];
  const rank = { error: 0, warning: 1, note: 2 };
  return found.sort((a, b) => rank[a.severity] - rank[b.severity]);
}

function finding<T>(
  severity: Finding['severity'],
  code: string,
  about: readonly T[],
  { message, advice, show }: { message: string; advice?: string; show: (one: T) => string },
): Finding[] {
  if (about.length === 0) return [];
  const examples = about.slice(0, MOST_EXAMPLES).map(show);
  return [{ code, severity, message, ...(advice !== undefined && { advice }), count: about.length, examples }];
}

/** Issues of which there may be one for each image. */
const OF_IMAGES: Readonly<
  Record<
    string,
    { code: string; noun?: [one: string, more: string]; message: (are: string) => string; advice?: string }
  >
> = {
  'image-odd': {
    code: 'harmless-faults',
    message: (are) => `${are} not quite right, but can be read`,
    advice: 'training uses them as they are; writing them anew (with any image program) mends them',
  },
  'image-size': { code: 'declared-sizes', message: (are) => `${are} of another size than image_details says` },
  'box-without-area': {
    code: 'boxes-without-area',
    noun: ['box', 'boxes'],
    message: (are) => `${are} without area, and left out`,
    advice: 'remove them, or draw them anew where something is there',
  },
  'box-clipped': {
    code: 'boxes-clipped',
    noun: ['box', 'boxes'],
    message: (are) => `${are} a little outside of the image, and clipped`,
    advice: 'nothing needs to be done about rounding by a pixel or two',
  },
  'box-tiny': {
    code: 'boxes-tiny',
    noun: ['box', 'boxes'],
    message: (are) => `${are} less than a pixel wide or high`,
    advice: 'look at them: no model will find such objects',
  },
  'object-twice': {
    code: 'objects-twice',
    noun: ['object', 'objects'],
    message: (are) => `${are} there twice in one image, and used once`,
  },
  'not-an-image': { code: 'left-out', noun: ['file', 'files'], message: (are) => `${are} left out` },
};

function ofIssues(issues: readonly Issue[], severity: Issue['severity']): Finding[] {
  const ofThis = issues.filter((issue) => issue.severity === severity && issue.code !== 'in-both-sets');
  const show = ({ file, line, message, hint }: Issue) =>
    `${line === undefined ? '' : `${shortPath(file)}:${line}  `}${message}${hint === undefined ? '' : `; ${hint}`}`;
  if (severity === 'error') {
    const unusable = ofThis.filter(({ code }) => /^(image-|not-an-image)/.test(code));
    return [
      ...finding('error', 'unusable-images', unusable, {
        message: `${are(unusable.length, 'image')} missing, damaged or without a label that can be used`,
        advice: 'mend or remove them: training does not start with them',
        show,
      }),
      ...finding(
        'error',
        'data-problems',
        ofThis.filter((issue) => !unusable.includes(issue)),
        { message: `training cannot start with this data`, show },
      ),
    ];
  }
  const groups = Map.groupBy(ofThis, ({ code }) => code);
  return [...groups].flatMap(([code, group]) => {
    const known = OF_IMAGES[code];
    if (!known)
      return finding('warning', code, group, { message: `${counted(group.length, 'remark')} on the data`, show });
    const { code: name, message, noun: [noun, plural] = ['image', 'images'], advice } = known;
    return finding(code === 'image-size' ? 'note' : 'warning', name, group, {
      ...(advice !== undefined && { advice }),
      message: message(are(group.length, noun, plural)),
      show,
    });
  });
}

function ofDuplicates({ duplicates, has_validation, objects }: Facts): Finding[] {
  const show = (one: ReportedDuplicates) =>
    one.images
      .slice(0, 3)
      .map(named)
      .join(one.exact ? '  =  ' : '  ≈  ') + more(one.images.length - 3);
  const different = duplicates.filter((one) => one.different_labels);
  const leaks = duplicates.filter((one) => one.in_both_sets);
  const others = duplicates.filter((one) => !one.different_labels && !one.in_both_sets);
  return [
    ...finding('warning', 'duplicates-with-different-labels', different, {
      message: `${are(different.length, 'picture')} there more than once with different labels`,
      advice: objects
        ? 'look at them: in one of them objects are likely missing, or of another class. Keep each picture once'
        : 'look at them: one of the labels is likely wrong. Keep each picture once',
      show,
    }),
    ...finding('warning', 'duplicates-in-both-sets', leaks, {
      message: `${are(leaks.length, 'picture')} in the training and in the validation data`,
      advice: 'remove them from one of the two: the metrics look better than the model is',
      show: (one) => {
        // A training image and a validation image say more than the first three.
        const [first] = one.images;
        const other = one.images.find(({ set }) => set !== first.set) ?? first;
        return `${named(first)} in ${first.set}${one.exact ? '  =  ' : '  ≈  '}${named(other)} in ${other.set}`;
      },
    }),
    ...finding('warning', 'duplicates', others, {
      message: `${are(others.length, 'picture')} there more than once`,
      advice: has_validation
        ? 'keep each once: what is there twice counts twice'
        : 'keep each once: of two copies one may be split off for validation, and the metrics look better than the model is',
      show,
    }),
  ];
}

function ofSuspicions({ suspicious_labels: suspicious }: Facts): Finding[] {
  if (suspicious === null) return [];
  const images = new Set(suspicious.images.map(({ file }) => file)).size;
  const show = (one: ReportedSuspicion) => {
    const sure = `${Math.floor(one.probability * 100)} %`;
    const what = {
      'other-class': `is labelled ${one.label}, the model sees ${one.suggested} (${sure})`,
      'missing-label': `has no ${one.label}, the model sees it (${sure})`,
      'extra-label': `has ${one.label}, the model does not see it (${sure})`,
    };
    return `${placed(one)} ${what[one.kind]}`;
  };
  return finding('warning', 'suspicious-labels', suspicious.images, {
    message: `of ${counted(images, 'image')} the model ${suspicious.model} contradicts the labels with confidence`,
    advice: `look at them, the worst first, and correct the labels that are wrong. Images that the model was trained on are judged too kindly: it may have learned their wrong labels by heart${suspicious.agreement < WEAK_MODEL ? `. The model itself is often wrong (${Math.floor(suspicious.agreement * 100)} % agree): a better one says more` : ''}`,
    show,
  });
}

function ofClasses(facts: Facts): Finding[] {
  const few = facts.classes.filter(({ training }) => training > 0 && training < FEW_IMAGES);
  const { imbalance, labels } = facts;
  const word = labels ? 'label' : 'class';
  const found = finding(
    'warning',
    'few-images',
    few.toSorted((a, b) => a.training - b.training),
    {
      message: `${counted(few.length, word, labels ? 'labels' : 'classes')} with fewer than ${FEW_IMAGES} training images`,
      advice: 'add images of them, or leave the classes out: from so few a model learns the pictures, not the class',
      show: ({ name, training }) => `${name}: ${counted(training, 'image')}`,
    },
  );
  if (imbalance && imbalance.ratio >= UNBALANCED) {
    const weighted = imbalance.ratio >= VERY_UNBALANCED ? 2 : 1;
    const size = (name: string) => facts.classes.find((one) => one.name === name)?.training ?? 0;
    found.push(
      ...finding('warning', 'imbalance', [imbalance], {
        message: `the largest ${word} has ${times(imbalance.ratio)} as many images as the smallest`,
        advice: facts.objects
          ? 'add images of the small ones; the mean over the classes says little of them, look at each class'
          : `add images of the small ones, or set weighted_loss: ${weighted} so that they count more; accuracy alone says little, look at each ${word}`,
        show: ({ largest, smallest }) => `${largest}: ${count(size(largest))}, ${smallest}: ${count(size(smallest))}`,
      }),
    );
  }
  if (labels && labels.images_without_labels > 0) {
    found.push({
      code: 'without-labels',
      severity: 'note',
      message: `${counted(labels.images_without_labels, 'image')} without any label: right where none of the labels can be seen`,
      count: labels.images_without_labels,
      examples: [],
    });
  }
  return found;
}

function ofObjects({ objects }: Facts): Finding[] {
  if (objects === null || objects.number === 0) return [];
  const one = (severity: Finding['severity'], code: string, number: number, message: string, advice?: string) =>
    number === 0
      ? []
      : [{ code, severity, message, ...(advice !== undefined && { advice }), count: number, examples: [] }];
  const lost = objects.lost_when_resized;
  const share = lost / objects.number;
  const lostInWords = `${counted(lost, 'object')} (${Math.max(1, Math.round(100 * share))} %) with a side below ${LOST_SIDE} pixels once the image is ${USUAL_LONGER_SIDE} pixels long`;
  const larger =
    'a larger image_size (yolov5) or min_size and max_size (the others), or tile_grid_size, sees more of them';
  return [
    ...one(share >= MANY_LOST ? 'warning' : 'note', 'small-objects', lost, lostInWords, larger),
    ...one(
      'warning',
      'very-many-objects',
      objects.images_with_very_many,
      `${counted(objects.images_with_very_many, 'image')} with more than ${USUAL_DETECTIONS} objects`,
      `an image is answered with at most box_detections_per_image of them, ${USUAL_DETECTIONS} when left out`,
    ),
    ...one(
      'note',
      'without-objects',
      objects.images_without_objects,
      `${counted(objects.images_without_objects, 'image')} without any object: right where none can be seen`,
    ),
    ...one(
      'note',
      'crowds',
      objects.crowds,
      `${counted(objects.crowds, 'object')} marked as crowd or difficult: metrics pass over them`,
    ),
    ...one(
      'note',
      'at-edge',
      objects.at_edge,
      `${counted(objects.at_edge, 'box', 'boxes')} at the edge of the image (${Math.round((100 * objects.at_edge) / objects.number)} %): cut off there, or drawn so`,
    ),
  ];
}

const SIZES: Readonly<Record<OddSize, { message: (images: string) => string; advice: string }>> = {
  'very-small': {
    message: (images) => `${images} very small`,
    advice: 'use larger versions, or remove them: there is little to see',
  },
  'very-large': {
    message: (images) => `${images} very large`,
    advice: 'shrink them: the network sees some hundred pixels a side, and decoding them is most of the work',
  },
  'very-long': {
    message: (images) => `${images} ${LONG_RATIO} times as long as wide, or more`,
    advice: 'cut them to what matters: validation looks at the square in the middle',
  },
  'one-colour': {
    message: (images) => `${images} of one colour, or nearly`,
    advice: 'look whether they are broken or empty, and remove them',
  },
};

/** What to do about it where the whole image is looked at. */
const OF_DETECTORS: Readonly<Partial<Record<OddSize, string>>> = {
  'very-long': 'cut them to what matters: they become small before a detector looks at them',
};

function ofSizes({ odd_sizes, pictures, objects }: Facts): Finding[] {
  const found = (Object.keys(SIZES) as OddSize[]).flatMap((what) => {
    const images = odd_sizes.filter((one) => one.what === what);
    const { message, advice: usual } = SIZES[what];
    const advice = (objects && OF_DETECTORS[what]) ?? usual;
    return finding('warning', what, images, {
      message: message(are(images.length, 'image')),
      advice,
      show: (one) => `${placed(one)}, ${count(one.width)} × ${count(one.height)}`,
    });
  });
  const { width, height } = pictures;
  const side = Math.min(width.median, height.median);
  if (objects === null && side > 0 && side < LOW_RESOLUTION) {
    found.push({
      code: 'low-resolution',
      severity: 'note',
      message: `most pictures are small (${width.median} × ${height.median} in the middle)`,
      advice:
        'the network sees 224 × 224 unless told otherwise: they are enlarged. training_crop_size and validation_crop_size set less',
      count: 1,
      examples: [],
    });
  }
  return found;
}

function ofKinds({ pictures, images }: Facts): Finding[] {
  const all = images.training + images.validation - images.unusable;
  const note = (code: string, number: number, message: string): Finding[] =>
    number === 0 ? [] : [{ code, severity: 'note', message, count: number, examples: [] }];
  const share = Math.round((100 * pictures.greyscale) / Math.max(1, all));
  return [
    ...note(
      'greyscale',
      pictures.greyscale === all ? 0 : pictures.greyscale,
      `${are(pictures.greyscale, 'image')} greyscale (${share < 1 ? 'less than 1' : share} %)`,
    ),
    ...note('turned', pictures.turned_by_exif, `${are(pictures.turned_by_exif, 'image')} turned upright as EXIF says`),
    ...note('cmyk', pictures.cmyk, `${are(pictures.cmyk, 'image')} in CMYK, read as RGB`),
    ...note(
      'sixteen-bit',
      pictures.sixteen_bit,
      `${counted(pictures.sixteen_bit, 'image')} with 16 bits a channel, read as 8`,
    ),
    ...note(
      'transparency',
      pictures.with_transparency,
      `${counted(pictures.with_transparency, 'image')} with an alpha channel, which is dropped`,
    ),
    ...note(
      'animated',
      pictures.animated,
      `${are(pictures.animated, 'image')} animated or of several pages: the first is taken`,
    ),
  ];
}

/** `images/1.jpg (cat)`. */
const named = (image: ReportedImage) => `${shortPath(image.file)} (${image.labels.join(', ') || 'no label'})`;

/** `train.csv:17  images/1.jpg`. */
const placed = ({ source, file }: ReportedImage) =>
  `${source.line === undefined ? '' : `${shortPath(source.file)}:${source.line}  `}${shortPath(file)}`;

const more = (left: number) => (left > 0 ? `  and ${count(left)} more` : '');

const count = (value: number) => value.toLocaleString('en');

const counted = (value: number, noun: string, plural = `${noun}s`) => `${count(value)} ${value === 1 ? noun : plural}`;

const are = (value: number, noun: string, plural?: string) =>
  `${counted(value, noun, plural)} ${value === 1 ? 'is' : 'are'}`;

const times = (ratio: number) => (ratio < 9.95 ? `${ratio.toFixed(1)} times` : `${count(Math.round(ratio))} times`);
