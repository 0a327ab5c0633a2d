import { DetectionLog, detectionMetrics } from '@fovea/automl/metrics';
import {
  type DrawnObject,
  decodeImage,
  type ObjectRecord,
  readObjectTable,
  sampleSheet,
  throwIfErrors,
} from '@fovea/data';
import { type ObjectPrediction, openModel } from '@fovea/serving';
import sharp from 'sharp';

/** Images on the sheet, each beside its answer. */
const SHOWN = 8;
const CELL = 240;
const MOST_BYTES = 150_000;

/** Answers with a lower score are judged, not drawn. */
const DRAWN_FROM = 0.3;

interface Answered {
  record: ObjectRecord;
  answer: ObjectPrediction;
}

/** How good the answers of an exported detector are, as they are served. */
export interface JudgedAnswers {
  /** At an overlap of 0.5; null where no object is to be found. */
  meanAveragePrecision: number | null;
  /** A contact sheet of a few images: what is annotated, and to its right what is answered. WebP. */
  picture: Buffer;
}

/**
 * @param model a model folder
 * @param table a folder with an MLTable of annotations
 */
export async function judgeServed(model: string, table: string): Promise<JudgedAnswers> {
  const { dataset, issues } = await readObjectTable(table, { role: 'validation' });
  throwIfErrors(issues);
  const detector = await openModel(model);
  if (detector.task !== 'image_object_detection') throw new TypeError(`${model} finds no objects`);
  try {
    const answered: Answered[] = [];
    for (const record of dataset.records) {
      const [answer] = await detector.predict([record.file]);
      if ('error' in answer) throw new Error(`${record.file}: ${answer.error}`);
      answered.push({ record, answer });
    }
    return {
      meanAveragePrecision: precisionOf(answered, detector.labels),
      picture: await sheetOf(answered, detector.labels),
    };
  } finally {
    await detector.close();
  }
}

function precisionOf(answered: readonly Answered[], classes: readonly string[]): number | null {
  const log = new DetectionLog(classes.length);
  for (const { record, answer } of answered) {
    const { width, height, objects } = record;
    const inPixels = (box: readonly number[]) => box.map((share, i) => share * (i % 2 === 0 ? width : height));
    const truth = {
      boxes: objects.flatMap(({ box }) => inPixels(box)),
      labels: objects.map(({ label }) => classes.indexOf(label)),
      crowd: objects.map(({ crowd }) => Number(crowd)),
    };
    const found = {
      boxes: answer.boxes.flatMap(({ box: { topX, topY, bottomX, bottomY } }) =>
        inPixels([topX, topY, bottomX, bottomY]),
      ),
      labels: answer.boxes.map(({ label }) => classes.indexOf(label)),
      scores: answer.boxes.map(({ score }) => score),
    };
    log.addImage(truth, found);
  }
  return detectionMetrics(log.records(), classes).metrics.mean_average_precision ?? null;
}

async function sheetOf(answered: readonly Answered[], classes: readonly string[]): Promise<Buffer> {
  const shown = Array.from({ length: SHOWN }, (_, i) => answered[Math.floor((i * answered.length) / SHOWN)]);
  const pairs = shown.map(async ({ record, answer }) => {
    const picture = await decodeImage({ file: record.file, resize: { width: record.width, height: record.height } });
    const found = answer.boxes
      .filter(({ score }) => score >= DRAWN_FROM)
      .map(
        ({ box: { topX, topY, bottomX, bottomY }, label, score }): DrawnObject => ({
          box: [topX, topY, bottomX, bottomY],
          label,
          score,
        }),
      );
    // The best one lies on top.
    return [
      { picture, objects: record.objects },
      { picture, objects: found.reverse() },
    ];
  });
  const png = await sampleSheet((await Promise.all(pairs)).flat(), { classes, cell: CELL });
  for (const quality of [75, 60, 45, 30]) {
    const picture = await sharp(png).webp({ quality, effort: 6 }).toBuffer();
    if (picture.length <= MOST_BYTES) return picture;
  }
  throw new RangeError(`a sheet is larger than ${MOST_BYTES} bytes`);
}
