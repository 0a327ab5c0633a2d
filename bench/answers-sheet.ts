import {
  type DrawnObject,
  decodeImage,
  readObjectTable,
  type SheetPicture,
  sampleSheet,
  throwIfErrors,
} from '@fovea/data';
import { type FoundObject, type MaskPrediction, type ObjectPrediction, openModel } from '@fovea/serving';
import sharp from 'sharp';

/** Images on the sheet, each beside its answer. */
const SHOWN = 8;
const CELL = 240;
const MOST_BYTES = 150_000;

/** Answers with a lower score are judged, not drawn. */
const DRAWN_FROM = 0.3;

/**
 * A contact sheet of a few images, evenly from the whole table: what is annotated, and to its right what a model answers.
 *
 * @param model a model folder
 * @param table a folder with an MLTable of annotations
 * @returns a WebP
 */
export async function answersSheet(model: string, table: string): Promise<Buffer> {
  const detector = await openModel(model);
  const pictures: SheetPicture[] = [];
  try {
    if (detector.task !== 'image_object_detection' && detector.task !== 'image_instance_segmentation')
      throw new TypeError(`${model} finds no objects`);
    const task = detector.task === 'image_instance_segmentation' ? 'segmentation' : 'detection';
    const { dataset, issues } = await readObjectTable(table, { role: 'validation', task });
    throwIfErrors(issues);
    const { records } = dataset;
    const shown = Array.from({ length: SHOWN }, (_, i) => records[Math.floor((i * records.length) / SHOWN)]);
    for (const { file, width, height, objects } of shown) {
      const [answer] = await detector.predict([file]);
      if ('error' in answer) throw new Error(`${file}: ${answer.error}`);
      const picture = await decodeImage({ file, resize: { width, height } });
      pictures.push({ picture, objects }, { picture, objects: drawn(answer) });
    }
  } finally {
    await detector.close();
  }
  const png = await sampleSheet(pictures, { classes: detector.labels, cell: CELL });
  for (const quality of [75, 60, 45, 30]) {
    const sheet = await sharp(png).webp({ quality, effort: 6 }).toBuffer();
    if (sheet.length <= MOST_BYTES) return sheet;
  }
  throw new RangeError(`a sheet is larger than ${MOST_BYTES} bytes`);
}

/** The best one lies on top. */
function drawn({ boxes }: ObjectPrediction | MaskPrediction): DrawnObject[] {
  const objects: readonly (FoundObject & { polygon?: number[][] })[] = boxes;
  const sure = objects.filter(({ score }) => score >= DRAWN_FROM);
  return sure.toReversed().map(({ box: { topX, topY, bottomX, bottomY }, label, score, polygon }) => ({
    box: [topX, topY, bottomX, bottomY],
    ...(polygon && { polygons: polygon }),
    label,
    score,
  }));
}
