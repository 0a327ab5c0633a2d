import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageRecord } from './dataset.ts';
import { readTable } from './table.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { writeTable } from './write-table.ts';

const names = ['a b.jpg', 'ü#?%20.png', 'say "hi".webp', 'line\nbreak.GIF'];

for (const [labelKind, labels] of [
  ['multiclass', [['cat'], [' dog '], ['cat'], ['"x", y']]],
  ['multilabel', [['cat', 'dog'], [], ['a b;c'], ['cat']]],
] as const) {
  test(`${labelKind} records are read back as they were written`, async (t) => {
    const folder = temporaryFolder(t, Object.fromEntries(names.map((name) => [name, 'xyz'])));
    const records = names.map(
      (name, i): ImageRecord => ({
        file: join(folder, name),
        labels: labels[i],
        source: { file: 'elsewhere' },
        width: i === 0 ? 0 : 30 + i,
        height: i === 0 ? 0 : 20,
        bytes: 3,
      }),
    );
    writeTable(join(folder, 'table'), records, labelKind);
    writeTable(join(folder, 'table'), records, labelKind);
    assert.deepEqual(readdirSync(join(folder, 'table')), ['MLTable', 'annotations.jsonl']);
    const { dataset, issues } = await readTable(join(folder, 'table'), { labelKind, role: 'validation' });
    assert.deepEqual(issues, []);
    const without = ({ source: _, ...rest }: ImageRecord) => rest;
    assert.deepEqual(dataset.records.map(without), records.map(without));
  });
}
