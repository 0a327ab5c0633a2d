export { checkDataset, checkValidation, FEWEST_IMAGES, type Role } from './checks.ts';
export { classesOf, type Dataset, type ImageRecord } from './dataset.ts';
export { readImageFolder } from './image-folder.ts';
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
export { didYouMean, nearest } from './nearest.ts';
export { createRng, type Rng, seedOf } from './rng.ts';
export { stratifiedSplit } from './split.ts';
export { type ReadTableOptions, readTable } from './table.ts';
