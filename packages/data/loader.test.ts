import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Decode, decodeImage } from './decode.ts';
import { IssuesError } from './issue.ts';
import { BatchLoader, type BatchLoaderOptions } from './loader.ts';
import { createRng } from './rng.ts';
import { sharp } from './sharp.ts';
import { temporaryFolder } from './temporary-folder.ts';

const photo = new URL('./fixtures/img_a.png', import.meta.url).pathname;
const resize = { width: 40, height: 30 };

/** Twelve pictures of several kinds and sizes. */
async function pictures(t: { after(fn: () => void): void }): Promise<string[]> {
  const folder = temporaryFolder(t);
  const files = Array.from({ length: 12 }, (_, i) => join(folder, `${i}.${['jpg', 'png', 'webp'][i % 3]}`));
  await Promise.all(
    files.map((file, i) =>
      sharp(photo)
        .resize(60 + 31 * i, 200 - 11 * i, { fit: 'fill' })
        .toFile(file),
    ),
  );
  return files;
}

/** Batches of random parts of the files. */
function batchesOf(files: string[], size: number, count: number): Decode[][] {
  const rng = createRng(1);
  return Array.from({ length: count }, () =>
    Array.from({ length: size }, () => {
      const crop = { left: rng.int(20), top: rng.int(20), width: 40, height: 50 };
      return { file: files[rng.int(files.length)], crop, resize, flip: rng.uniform() < 0.5, fast: true };
    }),
  );
}

async function withLoader<T>(options: BatchLoaderOptions, use: (loader: BatchLoader) => Promise<T>): Promise<T> {
  const loader = new BatchLoader(options);
  try {
    return await use(loader);
  } finally {
    await loader.close();
  }
}

/** Hash of each batch of a run. */
async function hashes(loader: BatchLoader, batches: Iterable<Decode[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const { pixels } of loader.run(batches)) found.push(createHash('sha256').update(pixels).digest('hex'));
  return found;
}

test('the pixels are those of decodeImage, whatever the number of workers and of batches ahead', async (t) => {
  const batches = batchesOf(await pictures(t), 7, 9);
  batches.push(batches[0].slice(0, 3));
  const expected: string[] = [];
  for (const batch of batches) {
    const hash = createHash('sha256');
    for (const decode of batch) hash.update((await decodeImage(decode)).pixels);
    expected.push(hash.digest('hex'));
  }
  for (const options of [
    { workers: 0 },
    { workers: 1 },
    { workers: 3 },
    { workers: 2, prefetch: 0 },
    { workers: 2, prefetch: 20 },
  ]) {
    assert.deepEqual(await withLoader(options, (loader) => hashes(loader, batches)), expected, JSON.stringify(options));
  }
});

test('one loader serves several runs, also at the same time, and batches of other sizes', async (t) => {
  const files = await pictures(t);
  const [a, b] = [batchesOf(files, 4, 5), batchesOf(files, 3, 4)];
  const large = [files.map((file) => ({ file, resize: { width: 100, height: 90 } })), ...a];
  await withLoader({ workers: 2 }, async (loader) => {
    const [first, second] = await Promise.all([hashes(loader, a), hashes(loader, b)]);
    assert.deepEqual([await hashes(loader, a), await hashes(loader, b)], [first, second]);
    assert.deepEqual((await hashes(loader, large)).slice(1), first);
  });
});

test('batches ahead become ready while the main thread is blocked, and no more than asked for', async (t) => {
  const batches = batchesOf(await pictures(t), 4, 10);
  let read = 0;
  const counted = (function* () {
    for (const batch of batches) {
      read++;
      yield batch;
    }
  })();
  await withLoader({ workers: 2, prefetch: 3 }, async (loader) => {
    const iterator = loader.run(counted);
    await iterator.next();
    // The first stays in use until the next is asked for: three more are under way.
    assert.equal(read, 4);
    blockFor(500);
    let turns = 0;
    const ticker = setInterval(() => turns++, 0);
    for (let i = 0; i < 3; i++) assert.ok(!(await iterator.next()).done);
    assert.equal(turns, 0, 'the three batches should be there without a turn of the event loop');
    clearInterval(ticker);
    await iterator.return();
  });
});

function blockFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test('released early, memory is used again at once', async (t) => {
  const batches = batchesOf(await pictures(t), 4, 6);
  let read = 0;
  const counted = batches.values().map((batch) => {
    read++;
    return batch;
  });
  await withLoader({ workers: 1, prefetch: 1 }, async (loader) => {
    for await (const batch of loader.run(counted)) {
      const before = read;
      batch.release();
      batch.release();
      assert.equal(read, Math.min(6, before + 1));
    }
  });
});

test('an augment module changes pixels in the worker, where it is asked for', async (t) => {
  const [file] = await pictures(t);
  const folder = temporaryFolder(t, {
    'add.mjs': 'export default (pixels, w, h, { add }) => pixels.forEach((_, i) => { pixels[i] = w + h + add; });',
  });
  const augmentModule = pathToFileURL(join(folder, 'add.mjs'));
  const plain = { file, resize };
  for (const workers of [0, 2]) {
    await withLoader({ workers, augmentModule }, async (loader) => {
      const { value } = await loader.run([[{ ...plain, augment: { add: 5 } }, plain]]).next();
      const half = resize.width * resize.height * 3;
      assert.deepEqual(new Set(value?.pixels.subarray(0, half)), new Set([75]));
      assert.deepEqual(value?.pixels.slice(half), (await decodeImage(plain)).pixels);
    });
    await withLoader({ workers, augmentModule: pathToFileURL(join(folder, 'none.mjs')) }, async (loader) => {
      await assert.rejects(loader.run([[{ ...plain, augment: 1 }]]).next(), /none\.mjs/);
    });
  }
});

test('images are put together in the worker by `compose`, and a batch of mixed sizes is had for asking', async (t) => {
  const files = await pictures(t);
  const folder = temporaryFolder(t, {
    // One below the other.
    'stack.mjs': `export function compose(images, target, { fill }) {
      target.pixels.fill(fill);
      let at = 0;
      for (const { pixels } of images) { target.pixels.set(pixels, at); at += pixels.length; }
    }`,
    'none.mjs': 'export default () => {};',
  });
  const augmentModule = pathToFileURL(join(folder, 'stack.mjs'));
  const decodes = files.slice(0, 2).map((file) => ({ file, resize: { width: 20, height: 10 } }));
  const stack = { decodes, size: { width: 20, height: 23 }, compose: { fill: 9 } };
  const batches = [[stack, { file: files[3], resize }, stack], [stack]];
  const parts = await Promise.all(decodes.map((decode) => decodeImage(decode)));
  const expected = Buffer.concat([...parts.map(({ pixels }) => pixels), Buffer.alloc(20 * 3 * 3, 9)]);
  for (const workers of [0, 1, 3]) {
    await withLoader({ workers, augmentModule }, async (loader) => {
      const run = loader.run(batches, { mixedSizes: true });
      const { value } = await run.next();
      assert.deepEqual([value?.size, value?.width, value?.height], [3, 40, 30]);
      assert.deepEqual(
        value?.images.map(({ width, height }) => [width, height]),
        [
          [20, 23],
          [40, 30],
          [20, 23],
        ],
      );
      assert.ok(value && expected.equals(value.images[0].pixels) && expected.equals(value.images[2].pixels));
      assert.deepEqual(value.images[1].pixels.slice(), (await decodeImage({ file: files[3], resize })).pixels);
      assert.equal(value.pixels.length, 2 * expected.length + 40 * 30 * 3);
      const second = (await run.next()).value;
      assert.ok(second && expected.equals(second.pixels));
      await assert.rejects(loader.run(batches).next(), /images of one batch differ: 20 × 23, 40 × 30/);
      const gone = { ...stack, decodes: ['a.png', 'b.png'].map((file) => ({ file, resize })) };
      const error = await loader
        .run([[gone]])
        .next()
        .catch((thrown) => thrown);
      assert.ok(error instanceof IssuesError);
      assert.equal(error.issues.length, 2, 'both images that are gone');
    });
    await withLoader({ workers, augmentModule: pathToFileURL(join(folder, 'none.mjs')) }, async (loader) => {
      await assert.rejects(loader.run([[stack]]).next(), /no export compose\(images, target, args\)/);
    });
  }
  await withLoader({ workers: 1 }, async (loader) => {
    await assert.rejects(loader.run([[stack]]).next(), /compositions, need a loader with an augmentModule/);
  });
});

test('images that are gone or damaged are an error in place of their batch, all of them, with their lines', async (t) => {
  const files = await pictures(t);
  writeFileSync(files[3], 'damaged since');
  rmSync(files[4]);
  const decode = (i: number): Decode => ({ file: files[i], source: { file: 'train.jsonl', line: i + 1 }, resize });
  const batches = [[decode(0), decode(1)], [decode(4), decode(2), decode(3)], [decode(5)]];
  for (const workers of [0, 1, 3]) {
    await withLoader({ workers }, async (loader) => {
      const run = loader.run(batches);
      assert.equal((await run.next()).value?.index, 0);
      const error = await run.next().catch((thrown) => thrown);
      assert.ok(error instanceof IssuesError, String(error));
      assert.deepEqual(
        error.issues.map(({ code, file, line }) => [code, file, line]),
        [
          ['image-missing', 'train.jsonl', 5],
          ['not-an-image', 'train.jsonl', 4],
        ],
      );
      assert.equal((await run.next()).done, true);
      assert.equal((await hashes(loader, batches.slice(0, 1))).length, 1, 'the loader goes on after that');
    });
  }
});

test('a worker that dies is an error, not a hang', async (t) => {
  const [file] = await pictures(t);
  const folder = temporaryFolder(t, {
    'die.mjs': 'export default () => process.exit(3);',
    'throw.mjs': 'export default () => setImmediate(() => { throw new Error("oh"); });',
  });
  for (const [name, message] of [
    ['die.mjs', /ended with exit code 3/],
    ['throw.mjs', /has failed/],
  ] as const) {
    await withLoader({ workers: 2, prefetch: 0, augmentModule: pathToFileURL(join(folder, name)) }, async (loader) => {
      const batches = Array.from({ length: 50 }, () => [{ file, resize, augment: 1 }]);
      await assert.rejects(hashes(loader, batches), message);
      await assert.rejects(hashes(loader, batches), message);
    });
  }
});

test('a run can be left, aborted and cut by close', async (t) => {
  const batches = batchesOf(await pictures(t), 4, 50);
  for (const workers of [0, 2]) {
    const loader = new BatchLoader({ workers });
    for await (const { index } of loader.run(batches)) if (index === 2) break;
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const { index } of loader.run(batches, { signal: controller.signal }))
        if (index === 1) controller.abort(new Error('stopped'));
    })();
    await assert.rejects(aborted, /stopped/);
    const slow = (function* () {
      yield batches[0];
      yield Array.from({ length: 1000 }, () => ({ file: photo, resize }));
    })();
    const run = loader.run(slow);
    await run.next();
    const next = assert.rejects(run.next(), /was closed/);
    await sleep(5);
    await loader.close();
    await next;
  }
});

test('batches that cannot be are errors of the caller', async () => {
  const image = { file: photo, resize };
  await withLoader({ workers: 1 }, async (loader) => {
    await assert.rejects(hashes(loader, [[]]), /at least one image/);
    await assert.rejects(
      hashes(loader, [[image, { ...image, resize: { width: 1, height: 2 } }]]),
      /images of one batch differ: 40 × 30, 1 × 2/,
    );
    await assert.rejects(hashes(loader, [[{ ...image, augment: 1 }]]), /need a loader with an augmentModule/);
    await assert.rejects(
      hashes(loader, [[{ ...image, crop: { left: 0, top: 0, width: 999, height: 1 } }]]),
      /not inside of 300 × 200/,
    );
    assert.deepEqual(await hashes(loader, []), []);
  });
  assert.throws(() => new BatchLoader({ workers: -1 }), RangeError);
  assert.throws(() => new BatchLoader({ prefetch: 0.5 }), RangeError);
});

test('a loader that nobody has closed does not keep the process alive, one that is waited for does', async (t) => {
  const script = `
    import { BatchLoader } from ${JSON.stringify(new URL('./loader.ts', import.meta.url).href)};
    const loader = new BatchLoader({ workers: 2 });
    const batch = Array.from({ length: 20 }, () => ({ file: ${JSON.stringify(photo)}, resize: { width: 50, height: 50 } }));
    const run = loader.run([batch, batch, batch]);
    const { value } = await run.next();
    console.log(value.size);
  `;
  const folder = temporaryFolder(t, { 'script.mjs': script });
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'script.mjs')], { timeout: 20_000 });
  assert.equal(stdout, '20\n');
});
