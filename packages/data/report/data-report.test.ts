import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { readImageFolder } from '../image-folder.ts';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { verifyImages } from '../verify-images.ts';
import { type DataReport, dataReport, type ReportInput } from './data-report.ts';
import { inspectImages } from './inspect-images.ts';
import { reportPage } from './page/page.ts';

const blob = async (seed: number, width = 80, height = 60) => {
  const pixels = Uint8Array.from({ length: 75 }, (_, i) => (Math.imul(seed * 97 + i + 1, 2654435761) >>> 13) & 255);
  return sharp(pixels, { raw: { width: 5, height: 5, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
};

const hostile = '<img src=x onerror=alert(1)>"\'&`';
let files: Record<string, Uint8Array>;
before(async () => {
  files = {};
  for (let i = 0; i < 20; i++) files[`train/cats/${i}.png`] = await blob(i);
  for (let i = 0; i < 4; i++) files[`train/${hostile}/${i}.png`] = await blob(100 + i);
  for (let i = 0; i < 3; i++) files[`val/cats/${i}.png`] = await blob(200 + i);
  files[`val/${hostile}/0.png`] = await blob(300);
  files[`train/cats/${hostile}\u202e.png`] = await blob(100);
  files['train/cats/cut.png'] = (await blob(400)).subarray(0, 200);
  files['train/cats/tiny.png'] = await blob(401, 9, 7);
  files['train/cats/strip.png'] = await blob(402, 900, 40);
  files['train/cats/black.png'] = await sharp({ create: { width: 60, height: 60, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  files['train/cats/turned.jpg'] = await sharp(await blob(403))
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  files['train/cats/cmyk.jpg'] = await sharp(await blob(404))
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
  files['train/cats/grey.png'] = await sharp(await blob(405))
    .greyscale()
    .png()
    .toBuffer();
  files['val/cats/leak.jpg'] = await sharp(await blob(7))
    .resize(60, 45)
    .jpeg({ quality: 80 })
    .toBuffer();
});

async function read(t: TestContext, more: Partial<ReportInput> = {}) {
  const folder = temporaryFolder(t, files);
  const { train, validation, testImages, issues } = readImageFolder(folder);
  const records = [...train.records, ...(validation?.records ?? [])];
  const inspection = await inspectImages(records, { cacheFolder: join(folder, '.cache') });
  const input: ReportInput = {
    training: train,
    validation,
    testImages,
    labelKind: 'multiclass',
    traits: inspection.traits,
    issues: [...issues, ...inspection.issues],
    ...more,
  };
  return { folder, records, input, report: await dataReport(input) };
}

const codes = ({ findings }: DataReport) => findings.map(({ severity, code, count }) => `${severity} ${code} ${count}`);

describe('the report', () => {
  test('says what is wrong, the worst first', async (t) => {
    const { report } = await read(t);
    assert.deepEqual(codes(report), [
      'error unusable-images 1',
      'warning duplicates-with-different-labels 1',
      'warning duplicates-in-both-sets 1',
      'warning few-images 1',
      'warning imbalance 1',
      'warning very-small 1',
      'warning very-long 1',
      'warning one-colour 1',
      'note low-resolution 1',
      'note greyscale 2',
      'note turned 1',
      'note cmyk 1',
    ]);
    assert.equal(report.can_train, false);
    assert.deepEqual(report.images, { training: 32, validation: 5, test: 0, unusable: 1 });
    assert.deepEqual(report.imbalance, { largest: 'cats', smallest: hostile, ratio: 7 });
    assert.deepEqual(report.pictures.formats, { png: 33, jpeg: 3 });
    assert.match(report.findings[0].examples[0], /cut\.png is (cut off|damaged)/);
    assert.match(report.findings.find(({ code }) => code === 'imbalance')?.advice ?? '', /weighted_loss: 1/);
  });

  test('puts copies with different labels before those in both sets', async (t) => {
    const { report } = await read(t);
    const [different, leak] = report.duplicates;
    assert.deepEqual([different.exact, different.different_labels, different.in_both_sets], [true, true, false]);
    assert.deepEqual([leak.exact, leak.different_labels, leak.in_both_sets], [false, false, true]);
    assert.deepEqual(
      leak.images.map(({ file, set }) => [file.split('/').at(-1), set]),
      [
        ['7.png', 'training'],
        ['leak.jpg', 'validation'],
      ],
    );
  });

  test('is plain JSON that keeps all of it', async (t) => {
    const { report } = await read(t);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), structuredClone(report));
    assert.equal(report.schema_version, 1);
    assert.equal(Object.keys(report).slice(0, 5).join(' '), 'schema_version name task can_train findings');
  });

  test('lists the labels that a model contradicts', async (t) => {
    const { input } = await read(t);
    const probabilities = new Map(
      input.training.records.map(({ file, labels }): [string, number[]] => [
        file,
        labels[0] === 'cats' ? [0.05, 0.95] : [0.9, 0.1],
      ]),
    );
    const wrong = input.training.records.find(({ file }) => file.endsWith('5.png'));
    probabilities.set(wrong?.file ?? '', [0.97, 0.03]);
    const report = await dataReport({
      ...input,
      answers: { model: 'amber_lynx', labels: [hostile, 'cats'], probabilities },
    });
    const [first] = report.suspicious_labels?.images ?? [];
    assert.deepEqual(
      [first.file, first.label, first.suggested, first.probability],
      [wrong?.file, 'cats', hostile, 0.97],
    );
    assert.ok(codes(report).includes('warning suspicious-labels 1'));
  });

  test('of an empty set says only that', async () => {
    const report = await dataReport({
      training: { name: 'x', classes: [], records: [] },
      testImages: 0,
      labelKind: 'multilabel',
      issues: [],
      traits: new Map(),
    });
    assert.deepEqual(codes(report), []);
    assert.match(
      await reportPage(report, { file: '/x/page.html', records: [], traits: new Map() }),
      /<h1><bdi>x<\/bdi><\/h1>/,
    );
  });
});

describe('inspection', () => {
  test('remembers what it has seen: a second one opens no image that is as it was, nor does training', async (t) => {
    const { folder, records, report, input } = await read(t);
    const old = new Date(1e12);
    for (const { file } of records) utimesSync(file, old, old);
    const options = { cacheFolder: join(folder, '.cache') };
    await inspectImages(records, options);
    // Other bytes, under the same identity: who opens them would notice.
    for (const { file } of records.filter((record) => !record.file.endsWith('cut.png'))) {
      writeFileSync(file, readFileSync(file).fill(0));
      utimesSync(file, old, old);
    }
    const again = await inspectImages(records, options);
    assert.deepEqual(await dataReport({ ...input, traits: again.traits }), report);
    assert.equal((await verifyImages(records, options)).length, 1);
  });

  test('does without a memory that is damaged, and says when it cannot be written', async (t) => {
    const { folder, records, input } = await read(t);
    const cacheFolder = join(folder, '.cache');
    for (const name of readdirSync(cacheFolder))
      writeFileSync(join(cacheFolder, name), '{"version": 1, "images": {"a": [1]}}');
    assert.equal((await inspectImages(records, { cacheFolder })).traits.size, input.traits.size);
    const blocked = join(folder, 'blocked');
    mkdirSync(join(blocked, 'inspected-images.json', 'x'), { recursive: true });
    assert.equal((await inspectImages(records, { cacheFolder: blocked })).traits.size, input.traits.size);
  });

  test('can be stopped', async (t) => {
    const { records } = await read(t);
    await assert.rejects(inspectImages(records, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });
});

describe('the page', () => {
  const pageOf = async (t: TestContext) => {
    const { report, input, folder } = await read(t);
    const probabilities = new Map(input.training.records.map(({ file }): [string, number[]] => [file, [0.9, 0.1]]));
    const suspicious = await dataReport({
      ...input,
      answers: { model: hostile, labels: [hostile, 'cats'], probabilities },
    });
    assert.ok((suspicious.suspicious_labels?.images.length ?? 0) > 0 && report);
    return reportPage(suspicious, {
      file: join(folder, 'out', 'page.html'),
      records: input.training.records,
      traits: input.traits,
    });
  };

  test('shows names of files and labels as text, whatever they hold', async (t) => {
    const page = await pageOf(t);
    assert.ok(!page.includes('<img src=x'));
    assert.ok(page.includes('&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;&#96;'));
    assert.ok(!page.includes('\u202e') && page.includes('\\u202e'));
    const tags = new Set([...page.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map(([, tag]) => tag));
    assert.ok(!tags.has('script') && !tags.has('link') && !tags.has('iframe'));
  });

  test('loads nothing: every picture is in it, and its policy forbids the rest', async (t) => {
    const page = await pageOf(t);
    const sources = [...page.matchAll(/\ssrc="([^"]*)"/g)].map(([, source]) => source);
    assert.ok(sources.length > 20 && sources.every((source) => /^data:image\/webp;base64,[\w+/=]+$/.test(source)));
    assert.match(
      page,
      /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/,
    );
    assert.ok(!/url\(|@import|https?:/.test(page.replace(/href="#[^"]*"/g, '')));
  });

  test('is well-formed: what is opened is closed, names are used once, links have a target, pictures have words', async (t) => {
    const page = await pageOf(t);
    const open: string[] = [];
    const empty = new Set(['meta', 'img', 'br', 'rect', 'path', '!doctype']);
    for (const [, end, tag, , closed] of page.matchAll(/<(\/?)([a-z!][a-z0-9]*)((?:\s[^<>]*?)?)(\/?)>/gi)) {
      if (empty.has(tag.toLowerCase()) || closed) continue;
      if (end) assert.equal(open.pop(), tag);
      else open.push(tag);
    }
    assert.deepEqual(open, []);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]*)"/g)) assert.ok(ids.includes(target), target);
    for (const [image] of page.matchAll(/<img [^>]*>/g)) assert.match(image, /\salt="[^"]+"/);
  });

  test('leads to the images from where it lies', async (t) => {
    const page = await pageOf(t);
    assert.ok(page.includes('href="../train/cats/strip.png"'));
    assert.ok(page.includes(`href="../train/${encodeURIComponent(hostile).replaceAll("'", '&#39;')}/0.png"`));
  });
});
