export { checkDataset, checkValidation, FEWEST_IMAGES, imagesOfClass, type Role } from './checks.ts';
export { classesOf, type Dataset, type ImageRecord, type LabelKind } from './dataset.ts';
export { type Decode, decodeImage, imageSize, type Pixels } from './decode.ts';
export {
  type AnnotationFormat,
  FORMATS,
  type Loss,
  READ_FORMATS,
  type WrittenFormat,
} from './detection/annotated-image.ts';
export { type Conversion, type ConvertOptions, convertAnnotations } from './detection/convert.ts';
export {
  contactSheet,
  type DrawnObject,
  type DrawOptions,
  drawObjects,
  drawOnImage,
} from './detection/draw.ts';
export { maskPicture } from './detection/mask-picture.ts';
export type { ObjectTask } from './detection/object-field.ts';
export { objectMask } from './detection/object-mask.ts';
export {
  type LabelledObject,
  labelsOf,
  type NormalisedBox,
  type ObjectDataset,
  type ObjectRecord,
  objectClassesOf,
} from './detection/object-record.ts';
export { splitObjects } from './detection/object-split.ts';
export {
  checkObjects,
  checkObjectValidation,
  type ReadObjectTableOptions,
  readObjectTable,
} from './detection/object-table.ts';
export { readObjects } from './detection/read-objects.ts';
export { type RecognisedObjects, recogniseObjects } from './detection/recognise-objects.ts';
export { type SheetPicture, sampleSheet } from './detection/sample-sheet.ts';
export { writeObjectTable } from './detection/write-object-table.ts';
export { ImageCache, type ImageCacheCounts, type ImageCacheOptions } from './image-cache.ts';
export { isImageName, readImageFolder } from './image-folder.ts';
export { ImageFinder, type ImageLocation } from './image-url.ts';
export {
  type FormatOptions,
  formatIssues,
  type Issue,
  IssuesError,
  printable,
  type Sources,
  shortPath,
  throwIfErrors,
} from './issue.ts';
export { type LabelledImagesOptions, readLabelledImages } from './labelled-images.ts';
export { BatchLoader, type BatchLoaderOptions, type ImageBatch } from './loader.ts';
export { didYouMean, nearest } from './nearest.ts';
export { type RecognisedData, recogniseData } from './recognise-data.ts';
export {
  type DataReport,
  dataReport,
  type ReportedDuplicates,
  type ReportedImage,
  type ReportedSuspicion,
  type ReportInput,
  withLabels,
} from './report/data-report.ts';
export type { Finding } from './report/findings.ts';
export type { ImageTraits } from './report/image-traits.ts';
export { type Inspection, inspectImages } from './report/inspect-images.ts';
export { type PageOptions, reportPage } from './report/page/page.ts';
export type { ModelAnswers } from './report/suspicious-labels.ts';
export type { Box } from './resample.ts';
export { createRng, type Rng } from './rng.ts';
export type { Augment, AugmentModule, Compose, Composition, Sample } from './sample.ts';
export { stratifiedSplit } from './split.ts';
export { type Part, partNamed } from './split-column.ts';
export { type DataRead, type ReadTableOptions, readTable } from './table.ts';
export { isTableFile, readTableRows, type TableRows } from './table-rows.ts';
export { turboJpeg } from './turbojpeg.ts';
export { type VerifiableImage, type VerifyOptions, verifyImages } from './verify-images.ts';
export { writeTable } from './write-table.ts';
