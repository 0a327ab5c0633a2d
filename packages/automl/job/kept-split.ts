import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Issue, Sources } from '@fovea/data';
import type { DataKind, JobImage, SetOf } from './data-kind.ts';
import { writeFileWhole } from './write-file-whole.ts';

/** The two sets of a job. */
export interface Sets<R> {
  train: SetOf<R>;
  validation: SetOf<R>;
}

type Part = keyof Sets<unknown>;

/** What the tables of the sets don't say. */
interface About {
  names: Record<Part, string>;
  /** Of the whole training data. */
  classes: readonly string[];
  /** Sizes of the image files, in the order of the tables. */
  bytes: Record<Part, number[]>;
}

const parts = ['train', 'validation'] as const;
const aboutFile = (folder: string) => join(folder, 'split.json');

/**
 * Writes what a job trains and validates with into `folder`: `train/` and `validation/`, MLTable folders that another job can
 * name as its data, and `split.json`, which is written last and says that all is there.
 */
export async function keepSplit<R extends JobImage>(folder: string, sets: Sets<R>, kind: DataKind<R>): Promise<void> {
  const both = <T>(of: (set: SetOf<R>) => T) => ({ train: of(sets.train), validation: of(sets.validation) });
  for (const part of parts) await kind.write(join(folder, part), sets[part].records);
  const about: About = {
    names: both(({ name }) => name),
    classes: sets.train.classes,
    bytes: both(({ records }) => records.map(({ bytes }) => bytes)),
  };
  writeFileWhole(aboutFile(folder), `${JSON.stringify(about)}\n`);
}

export interface KeptSplit<R> extends Sets<R> {
  issues: Issue[];
  sources: Sources;
  /** Images whose files have another size than when the split was written. */
  otherFiles: R[];
}

/** Reads back what `keepSplit` wrote; null when there is none. */
export async function readKeptSplit<R extends JobImage>(
  folder: string,
  kind: DataKind<R>,
): Promise<KeptSplit<R> | null> {
  if (!existsSync(aboutFile(folder))) return null;
  const { names, classes, bytes }: About = JSON.parse(readFileSync(aboutFile(folder), 'utf8'));
  // A validation set is read: what makes a set fit for training was asked when the job began.
  const [train, validation] = [
    await kind.readBack(join(folder, 'train')),
    await kind.readBack(join(folder, 'validation')),
  ];
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
export function differences<R extends JobImage>(
  kept: Pick<KeptSplit<R>, 'train' | 'validation' | 'otherFiles'>,
  now: { train: SetOf<R>; validation: SetOf<R> | undefined },
  { truthOf }: Pick<DataKind<R>, 'truthOf'>,
): string | null {
  const byFile = (records: readonly R[]) => new Map(records.map((record) => [record.file, record]));
  const then = byFile([...kept.train.records, ...kept.validation.records]);
  const current = byFile([...now.train.records, ...(now.validation?.records ?? [])]);
  const added = [...current.keys()].filter((file) => !then.has(file));
  const gone = [...then.keys()].filter((file) => !current.has(file));
  const relabelled = [...then.values()].filter((record) => {
    const other = current.get(record.file);
    return other !== undefined && JSON.stringify(truthOf(other)) !== JSON.stringify(truthOf(record));
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
