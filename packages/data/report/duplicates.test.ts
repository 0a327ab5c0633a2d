import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRng } from '../rng.ts';
import { sharp } from '../sharp.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { samePictures } from './duplicates.ts';
import { type ImageTraits, readTraits } from './image-traits.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const photo = fixture('img_a.png');
const image = () => sharp(photo);

async function groupsOf(files: Record<string, Uint8Array>): Promise<string[][]> {
  const items = await Promise.all(
    Object.entries(files).map(async ([name, bytes]) => ({ name, traits: await readTraits(bytes, 'error') })),
  );
  return (await samePictures(items)).map(({ exact, members }) => [
    exact ? 'exact' : 'alike',
    ...members.map(({ item, mirrored }) => (mirrored ? `${item.name} mirrored` : item.name)),
  ]);
}

test('copies are found however they were made, and told from those byte by byte', async () => {
  const { width = 0, height = 0 } = await image().metadata();
  const cut = { left: 3, top: 2, width: width - 6, height: height - 4 };
  assert.deepEqual(await groupsOf({ a: photo, b: photo }), [['exact', 'a', 'b']]);
  const copies = {
    original: photo,
    'a half': await image()
      .resize(Math.round(width / 2))
      .png()
      .toBuffer(),
    compressed: await image().jpeg({ quality: 25 }).toBuffer(),
    brighter: await image().modulate({ brightness: 1.2 }).webp().toBuffer(),
    grey: await image().greyscale().png().toBuffer(),
    'cut by 2 %': await image().extract(cut).png().toBuffer(),
  };
  assert.deepEqual(await groupsOf(copies), [['alike', ...Object.keys(copies)]]);
  assert.deepEqual(await groupsOf({ a: photo, b: await image().flop().jpeg().toBuffer() }), [
    ['alike', 'a', 'b mirrored'],
  ]);
});

test('different pictures are different, and so are those with nothing in them', async () => {
  const rng = createRng(2);
  const blobs = Array.from({ length: 40 }, async (_, i): Promise<[string, Buffer]> => {
    const noise = Uint8Array.from({ length: 7 * 7 * 3 }, () => Math.floor(rng.uniform() * 256));
    const raw = { width: 7, height: 7, channels: 3 } as const;
    return [`${i}`, await sharp(noise, { raw }).resize(120, 90, { kernel: 'cubic' }).png().toBuffer()];
  });
  const flat = (background: string) =>
    sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .png()
      .toBuffer();
  const files = {
    ...Object.fromEntries(await Promise.all(blobs)),
    photo,
    black: await flat('#000'),
    white: await flat('#fff'),
  };
  assert.deepEqual(await groupsOf(files), []);
});

test('the frames of a still camera, each like all others, are compared in seconds', {
  timeout: 120_000,
}, async () => {
  const { hash, mirrored, preview, ...traits } = await readTraits(photo, 'error');
  const rng = createRng(1);
  const items = Array.from({ length: 20_000 }, (_, i): { traits: ImageTraits } => {
    const flip = () => 1 << Math.floor(rng.uniform() * 32);
    const near = [(hash[0] ^ flip() ^ flip()) >>> 0, (hash[1] ^ flip() ^ flip()) >>> 0] as const;
    return { traits: { ...traits, mirrored, preview, hash: near, digest: String(i) } };
  });
  const [group, ...others] = await samePictures(items);
  assert.deepEqual([group.members.length, others.length], [items.length, 0]);
});

test('it can be stopped', async () => {
  const traits = await readTraits(photo, 'error');
  await assert.rejects(samePictures([{ traits }], AbortSignal.abort()), { name: 'AbortError' });
});

const archive = join(
  process.env.FOVEA_SHARED ?? join(import.meta.dirname, '../../../../shared'),
  'data/raccoon/data.tar',
);

test('the identical pairs of the raccoon photos are found, and their other copies', async (t) => {
  if (!existsSync(archive)) return t.skip(`${archive} is not there: the known pairs of real photos are not looked for`);
  const folder = temporaryFolder(t);
  execFileSync('tar', ['xf', archive, '-C', folder, 'images']);
  const images = join(folder, 'images');
  const files = readdirSync(images).map((name): [string, Buffer] => [
    name.replace(/\D/g, ''),
    readFileSync(join(images, name)),
  ]);
  const groups = (await groupsOf(Object.fromEntries(files))).map(([kind, ...names]) => [kind, ...names].join(' '));
  // DATASET.md knows 11=116, 52=74, 65=98 and 83=120. The others are a smaller copy, a brighter one, and one with a word on it.
  assert.deepEqual(groups.sort(), [
    'alike 21 45',
    'alike 50 52 74',
    'alike 51 85',
    'exact 11 116',
    'exact 65 98',
    'exact 83 120',
  ]);
});
