import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dataset,
  type ImageRecord,
  type Issue,
  type LabelKind,
  readTable,
  type Sources,
  writeTable,
} from '@fovea/data';
import { writeFileWhole } from './job-record.ts';

/** The two sets of a job. */
export interface Sets {
  train: Dataset;
  validation: Dataset;
}

/** What the tables of the sets don't say. */
interface About {
  names: Record<keyof Sets, string>;
  /** Of the whole training data. */
  classes: readonly string[];
  /** Sizes of the image files, in the order of the tables. */
  bytes: Record<keyof Sets, number[]>;
}

const parts = ['train', 'validation'] as const;
const aboutFile = (folder: string) => join(folder, 'split.json');

/**
 * Writes what a job trains and validates with into `folder`: `train/` and `validation/`, MLTable folders that another job can
 * name as its data, and `split.json`, which is written last and says that all is there.
 */
export function keepSplit(folder: string, sets: Sets, labelKind: LabelKind): void {
  const both = <T>(of: (set: Dataset) => T) => ({ train: of(sets.train), validation: of(sets.validation) });
  for (const part of parts) writeTable(join(folder, part), sets[part].records, labelKind);
  const about: About = {
    names: both(({ name }) => name),
    classes: sets.train.classes,
    bytes: both(({ records }) => records.map(({ bytes }) => bytes)),
  };
  writeFileWhole(aboutFile(folder), `${JSON.stringify(about)}\n`);
}

export interface KeptSplit extends Sets {
  issues: Issue[];
  sources: Sources;
  /** Images whose files have another size than when the split was written. */
  otherFiles: ImageRecord[];
}

/** Reads back what `keepSplit` wrote; null when there is none. */
export async function readKeptSplit(folder: string, labelKind: LabelKind): Promise<KeptSplit | null> {
  if (!existsSync(aboutFile(folder))) return null;
  const { names, classes, bytes }: About = JSON.parse(readFileSync(aboutFile(folder), 'utf8'));
  // A validation set is read: what makes a set fit for training was asked when the job began.
  const read = async (part: keyof Sets) => readTable(join(folder, part), { labelKind, role: 'validation' });
  const [train, validation] = [await read('train'), await read('validation')];
  const size = new Map(
    [train, validation].flatMap(({ dataset }, i) => dataset.records.map(({ file }, r) => [file, bytes[parts[i]][r]])),
  );
  const records = [...train.dataset.records, ...validation.dataset.records];
  return {
    train: { name: names.train, classes, records: train.dataset.records },
    validation: { name: names.validation, classes, records: validation.dataset.records },
    issues: train.issues.concat(validation.issues),
    sources: new Map([...train.sources, ...validation.sources]),
    otherFiles: records.filter((record) => size.get(record.file) !== record.bytes),
  };
}

/** How data differs from what a job began with, in words: `2 images more, 1 with other labels`; null when it does not. */
export function differences(
  kept: Pick<KeptSplit, 'train' | 'validation' | 'otherFiles'>,
  now: { train: Dataset; validation: Dataset | undefined },
): string | null {
  const byFile = (records: readonly ImageRecord[]) => new Map(records.map((record) => [record.file, record]));
  const then = byFile([...kept.train.records, ...kept.validation.records]);
  const current = byFile([...now.train.records, ...(now.validation?.records ?? [])]);
  const added = [...current.keys()].filter((file) => !then.has(file));
  const gone = [...then.keys()].filter((file) => !current.has(file));
  const relabelled = [...then.values()].filter(({ file, labels }) => {
    const other = current.get(file);
    return other !== undefined && JSON.stringify(other.labels) !== JSON.stringify(labels);
  });
  const counts = [
    [added.length, 'new'],
    [gone.length, 'no longer there'],
    [relabelled.length, 'with other labels'],
    [kept.otherFiles.length, 'with another content'],
  ] as const;
  const words = counts.flatMap(([count, what]) => (count > 0 ? `${count.toLocaleString('en')} ${what}` : []));
  return words.length === 0 ? null : words.join(', ');
}
