import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Decode, decodeImage } from './decode.ts';
import { decodeFile } from './decode-file.ts';
import { ImageCache, type ImageCacheOptions } from './image-cache.ts';
import { BatchLoader } from './loader.ts';
import { createRng } from './rng.ts';
import { sharp } from './sharp.ts';
import { temporaryFolder } from './temporary-folder.ts';

const photo = new URL('./fixtures/img_a.png', import.meta.url).pathname;
const resize = { width: 40, height: 30 };

/** Pictures of several kinds, some of which lie on their side; JPEG is large enough to be decoded at a part of its size. */
async function pictures(folder: string): Promise<string[]> {
  const files = Array.from({ length: 9 }, (_, i) => join(folder, `${i}.${['jpg', 'png', 'webp'][i % 3]}`));
  await Promise.all(
    files.map((file, i) =>
      sharp(photo)
        .resize(260 + 31 * i, 300 - 11 * i, { fit: 'fill' })
        .withMetadata({ orientation: 1 + (i % 8) })
        .toFile(file),
    ),
  );
  return files;
}

/** An epoch: random parts of all files for training, then the whole of each for validation. */
function epoch(files: readonly string[], number: number): Decode[][] {
  const rng = createRng(number);
  const training = files.map((file) => {
    const crop = { left: rng.int(60), top: rng.int(60), width: 100 + rng.int(40), height: 100 + rng.int(40) };
    return { file, crop, resize, flip: rng.uniform() < 0.5, fast: true };
  });
  const validation = files.map((file) => ({ file, resize, repeats: true }));
  return [training.slice(0, 5), training.slice(5), validation];
}

async function hashes(batches: Decode[][], loader: BatchLoader): Promise<string[]> {
  const found: string[] = [];
  for await (const { pixels } of loader.run(batches)) found.push(createHash('sha256').update(pixels).digest('hex'));
  return found;
}

async function withLoader<T>(workers: number, cache: ImageCache | undefined, use: (loader: BatchLoader) => Promise<T>) {
  const loader = new BatchLoader({ workers, cache });
  try {
    return await use(loader);
  } finally {
    await loader.close();
  }
}

test('pixels are the same with a cache and without, cold, warm, too small and deleted, for any number of workers', async (t) => {
  const files = await pictures(temporaryFolder(t));
  const epochs = [0, 1, 2].flatMap((number) => epoch(files, number));
  const expected = await withLoader(0, undefined, (loader) => hashes(epochs, loader));
  for (const workers of [0, 1, 2]) {
    for (const memoryBytes of [0, 300_000, 2 ** 26]) {
      const folder = temporaryFolder(t);
      const cache = ImageCache.create({ memoryBytes, folder });
      const found = await withLoader(workers, cache, async (loader) => {
        const first = await hashes(epochs, loader);
        rmSync(folder, { recursive: true });
        return [...first, ...(await hashes(epochs, loader))];
      });
      assert.deepEqual(found, [...expected, ...expected], `${workers} workers, ${memoryBytes} bytes`);
    }
  }
});

test('the second epoch decodes nothing, nor does another loader', async (t) => {
  const files = await pictures(temporaryFolder(t));
  const cache = ImageCache.create({ memoryBytes: 2 ** 26 });
  await withLoader(2, cache, (loader) => hashes(epoch(files, 0), loader));
  assert.deepEqual(cache.counts, { fromMemory: 0, fromDisk: 0, decoded: 18 });
  await withLoader(1, cache, (loader) => hashes([...epoch(files, 1), ...epoch(files, 2)], loader));
  assert.deepEqual(cache.counts, { fromMemory: 36, fromDisk: 0, decoded: 18 });
  assert.ok(cache.memoryBytes > 100_000 && cache.memoryBytes < 2 ** 26);
});

test('a file that has changed is decoded anew, one that is gone is an error', async (t) => {
  const file = join(temporaryFolder(t), 'a.png');
  const cache = ImageCache.create({ memoryBytes: 2 ** 20 });
  const grey = async (value: number) => {
    await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: value, g: value, b: value } } })
      .png()
      .toFile(file);
    return (await decodeImage({ file, resize: { width: 4, height: 4 } }, { cache })).pixels[0];
  };
  assert.equal(await grey(10), 10);
  assert.equal(await grey(20), 20);
  utimesSync(file, new Date(), new Date(2001, 1, 1));
  assert.equal((await decodeImage({ file, resize: { width: 4, height: 4 } }, { cache })).pixels[0], 20);
  assert.equal(cache.counts.decoded, 3);
  rmSync(file);
  await assert.rejects(decodeImage({ file, resize }, { cache }), /is not there/);
});

/** Decodes a file into the cache, as if that had taken long. */
async function fill(cache: ImageCache, file: string): Promise<void> {
  const key = cache.keyOf(file, 'exact');
  assert.ok(key && !cache.get(key));
  await decodeFile(readFileSync(file), undefined, (image) => cache.put(key, image, 1e6));
}

async function diskCache(t: { after(fn: () => void): void }, options: ImageCacheOptions = {}) {
  const folder = temporaryFolder(t);
  const files = await pictures(temporaryFolder(t));
  const open = () => ImageCache.create({ memoryBytes: 0, folder, ...options });
  const entries = () => globSync('*/*', { cwd: folder }).map((name) => join(folder, name));
  return { folder, files, open, entries };
}

test('what memory has no room for goes to disk, and comes back in another run', async (t) => {
  const { files, open, entries } = await diskCache(t);
  const cache = open();
  for (const file of files) await fill(cache, file);
  assert.equal(entries().length, files.length);
  const later = open();
  for (const file of files) {
    const { pixels } = await decodeImage({ file, resize }, { cache: later });
    assert.deepEqual(pixels, (await decodeImage({ file, resize })).pixels);
  }
  assert.deepEqual(later.counts, { fromMemory: 0, fromDisk: files.length, decoded: 0 });
});

test('a damaged file of the cache is decoded anew and goes', async (t) => {
  const { files, open, entries } = await diskCache(t);
  const [file] = files;
  const right = (await decodeImage({ file, resize })).pixels;
  for (const damage of [
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 1),
    (bytes: Buffer) => bytes.subarray(0, 20),
    (bytes: Buffer) => bytes.fill(bytes[5000] + 1, 5000, 5001),
    (bytes: Buffer) => bytes.fill(bytes[24] + 1, 24, 25),
    () => Buffer.alloc(0),
  ]) {
    await fill(open(), file);
    const [entry] = entries();
    writeFileSync(entry, damage(readFileSync(entry)));
    const cache = open();
    assert.deepEqual((await decodeImage({ file, resize }, { cache })).pixels, right);
    assert.equal(cache.counts.decoded, 1);
    rmSync(entry, { force: true });
  }
});

test('the folder stays within its bound: the oldest goes when a run begins with a full one', async (t) => {
  const { folder, files, open, entries } = await diskCache(t, { diskBytes: 800_000 });
  const first = open();
  for (const file of files) await fill(first, file);
  const size = () => entries().reduce((sum, entry) => sum + statSync(entry).size, 0);
  assert.ok(size() <= 800_000 && size() > 600_000, `${size()} bytes`);
  const [oldest] = entries();
  utimesSync(oldest, new Date(2001, 1, 1), new Date(2001, 1, 1));
  const another = join(temporaryFolder(t), 'x.png');
  await sharp(photo).resize(120, 100).toFile(another);
  await fill(ImageCache.create({ memoryBytes: 0, folder, diskBytes: 700_000 }), another);
  assert.ok(!entries().includes(oldest));
  assert.ok(size() <= 700_000, `${size()} bytes`);
});

test('a folder that cannot be written to only means that images are decoded again', async (t) => {
  const folder = temporaryFolder(t, { file: 'not a folder' });
  const [file] = await pictures(temporaryFolder(t));
  const cache = ImageCache.create({ memoryBytes: 0, folder: join(folder, 'file') });
  await fill(cache, file);
  await fill(cache, file);
});

test('sizes that make no sense are refused', () => {
  assert.throws(() => ImageCache.create({ memoryBytes: -1 }), /memoryBytes must be 0 or more, not -1/);
  assert.throws(() => ImageCache.create({ diskBytes: Number.NaN }), RangeError);
});
