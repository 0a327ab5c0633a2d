import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decodeImage, type Pixels } from './decode.ts';
import { IssuesError } from './issue.ts';
import { sharp } from './sharp.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { turboJpeg } from './turbojpeg.ts';

interface Expected {
  width: number;
  height: number;
  sha256: string;
}
type Figures = Record<
  'decoded' | 'resize_256_pil' | 'resize_256_centercrop_224_pil' | 'resize_to_100x80_hw_pil' | 'hflip',
  Expected
> & {
  resized_crop: Expected & { top_left_height_width: [number, number, number, number] };
};

const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url).pathname;
const { 'upright.jpg': upright, ...pillow } = JSON.parse(readFileSync(fixture('pillow.json'), 'utf8')) as Record<
  string,
  Figures
> & {
  'upright.jpg': { orientations: Record<string, Expected> };
};
const sha256 = ({ pixels }: Pixels) => createHash('sha256').update(pixels).digest('hex');
const gradient = (width: number, height: number) =>
  Buffer.from({ length: width * height * 3 }).map((_, i) => (i * 7) & 255);
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

for (const [name, figures] of Object.entries(pillow)) {
  test(`${name}: every step gives the very bytes that Pillow gives`, async () => {
    const file = fixture(name);
    const { decoded, resized_crop: resizedCrop } = figures;
    const sizes = { width: decoded.width, height: decoded.height };
    assert.equal(sha256(await decodeImage({ file, resize: sizes })), decoded.sha256);
    assert.equal(sha256(await decodeImage({ file, resize: sizes, flip: true })), figures.hflip.sha256);
    for (const key of ['resize_256_pil', 'resize_to_100x80_hw_pil'] as const) {
      const { width, height, sha256: right } = figures[key];
      assert.equal(sha256(await decodeImage({ file, resize: { width, height } })), right, key);
    }
    const resize = { width: figures.resize_256_pil.width, height: figures.resize_256_pil.height };
    // Python's round: a half goes to the even neighbour.
    const offset = (length: number) => ((length - 224) % 4 === 1 ? (length - 225) / 2 : Math.round((length - 224) / 2));
    const cropAfter = { left: offset(resize.width), top: offset(resize.height), width: 224, height: 224 };
    assert.equal(sha256(await decodeImage({ file, resize, cropAfter })), figures.resize_256_centercrop_224_pil.sha256);
    const [cropTop, cropLeft, height, width] = resizedCrop.top_left_height_width;
    const crop = { left: cropLeft, top: cropTop, width, height };
    assert.equal(sha256(await decodeImage({ file, crop, resize: { width: 224, height: 224 } })), resizedCrop.sha256);
  });
}

/** The JPEG with another value in its EXIF orientation. */
function turnedJpeg(orientation: number): Buffer {
  const jpeg = readFileSync(fixture('upright.jpg'));
  const tag = Buffer.from([0x01, 0x12, 0x00, 0x03]);
  jpeg.writeUInt16BE(orientation, jpeg.indexOf(tag) + 8);
  return jpeg;
}

const NOT_INSTALLED = 'libturbojpeg is not installed here (Debian: libturbojpeg0)';

describe('JPEG', () => {
  for (const decoder of ['libturbojpeg', 'sharp']) {
    const skip = decoder === 'libturbojpeg' && !turboJpeg() ? NOT_INSTALLED : false;
    /** sharp gets the same pixels as a PNG that holds the orientation; libturbojpeg takes JPEG alone. */
    const write = async (folder: string, jpeg: Buffer, orientation: number) => {
      if (decoder === 'libturbojpeg') {
        writeFileSync(join(folder, `${orientation}.jpg`), jpeg);
        return join(folder, `${orientation}.jpg`);
      }
      const file = join(folder, `${orientation}.tiff`);
      await sharp(jpeg).withMetadata({ orientation }).tiff({ compression: 'none' }).toFile(file);
      return file;
    };

    test(`EXIF orientation is applied as Pillow's exif_transpose does (${decoder})`, { skip }, async (t) => {
      const folder = temporaryFolder(t);
      for (const [orientation, { width, height, sha256: right }] of Object.entries(upright.orientations)) {
        const file = await write(folder, turnedJpeg(Number(orientation)), Number(orientation));
        assert.equal(
          sha256(await decodeImage({ file, resize: { width, height } })),
          right,
          `orientation ${orientation}`,
        );
      }
    });

    test(`crops and flips are those of the upright picture, whichever way it is stored (${decoder})`, {
      skip,
    }, async (t) => {
      const folder = temporaryFolder(t);
      for (const [orientation, { width, height }] of Object.entries(upright.orientations)) {
        const file = await write(folder, turnedJpeg(Number(orientation)), Number(orientation));
        const whole = await decodeImage({ file, resize: { width, height } });
        const plain = join(folder, `${orientation}.png`);
        await sharp(whole.pixels, { raw: { width, height, channels: 3 } })
          .png()
          .toFile(plain);
        const crop = { left: 9, top: 20, width: 61, height: 55 };
        const wanted = {
          crop,
          resize: { width: 48, height: 40 },
          cropAfter: { left: 5, top: 7, width: 31, height: 30 },
          flip: true,
        };
        const difference = worst(
          (await decodeImage({ file, ...wanted })).pixels,
          (await decodeImage({ file: plain, ...wanted })).pixels,
        );
        // The two passes of the resize change places when the picture lies on its side.
        assert.ok(difference <= 1, `orientation ${orientation} differs by ${difference}`);
      }
    });
  }

  test('libturbojpeg and sharp give the same pixels', async (t) => {
    const turbo = turboJpeg();
    if (!turbo) return t.skip(NOT_INSTALLED);
    for (const options of [{ quality: 90 }, { quality: 60, progressive: true }, { chromaSubsampling: '4:4:4' }]) {
      const jpeg = await sharp(gradient(101, 67), { raw: { width: 101, height: 67, channels: 3 } })
        .jpeg(options)
        .toBuffer();
      const pixels = new Uint8Array(101 * 67 * 3);
      assert.ok(turbo.decode(jpeg, 8, pixels));
      assert.deepEqual(Buffer.from(pixels), await sharp(jpeg).raw().toBuffer());
    }
  });

  test('fast decodes of shrunken photos stay near the exact ones, and are exact where nothing shrinks', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'photo.jpg');
    await sharp(fixture('img_a.png')).resize(1200, 800).blur(1).jpeg({ quality: 90 }).toFile(file);
    for (const [crop, resize, most] of [
      [{ left: 31, top: 57, width: 1000, height: 700 }, { width: 224, height: 224 }, 1.5],
      [{ left: 333, top: 111, width: 801, height: 603 }, { width: 40, height: 64 }, 1.5],
      [{ left: 333, top: 111, width: 301, height: 303 }, { width: 224, height: 224 }, 0],
    ] as const) {
      const exact = await decodeImage({ file, crop, resize });
      const fast = await decodeImage({ file, crop, resize, fast: true });
      const mean =
        exact.pixels.reduce((sum, value, i) => sum + Math.abs(value - fast.pixels[i]), 0) / exact.pixels.length;
      assert.ok(mean <= most, `mean difference ${mean}`);
    }
  });
});

test('every kind of pixel becomes 8-bit RGB: alpha is dropped, not blended', async (t) => {
  const folder = temporaryFolder(t);
  const size = { width: 6, height: 4 };
  const rgba = Buffer.from({ length: 96 }).map((_, i) => (i % 4 === 3 ? 20 : 50 * (i % 4) + 10));
  const grey = sharp(Buffer.alloc(24, 90), { raw: { ...size, channels: 1 } });
  await sharp(rgba, { raw: { ...size, channels: 4 } })
    .png()
    .toFile(join(folder, 'alpha.png'));
  await grey.clone().png().toFile(join(folder, 'grey.png'));
  await grey.clone().jpeg({ quality: 100 }).toFile(join(folder, 'grey.jpg'));
  await sharp(Buffer.alloc(72, 90), { raw: { ...size, channels: 3 } })
    .png({ palette: true })
    .toFile(join(folder, 'palette.png'));
  await grey.clone().toColourspace('grey16').png().toFile(join(folder, 'grey16.png'));
  await sharp(Buffer.alloc(72, 90), { raw: { ...size, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toFile(join(folder, 'rgb16.png'));
  await sharp(Buffer.alloc(72, 90), { raw: { ...size, channels: 3 } })
    .toColourspace('cmyk')
    .jpeg({ quality: 100 })
    .toFile(join(folder, 'cmyk.jpg'));
  const near: [string, number[], number][] = [
    ['alpha.png', [10, 60, 110], 0],
    ['grey.png', [90, 90, 90], 0],
    ['grey.jpg', [90, 90, 90], 0],
    ['palette.png', [90, 90, 90], 0],
    ['grey16.png', [90, 90, 90], 1],
    ['rgb16.png', [90, 90, 90], 1],
    ['cmyk.jpg', [90, 90, 90], 16],
  ];
  for (const [name, pixel, tolerance] of near) {
    const { pixels } = await decodeImage({ file: join(folder, name), resize: size });
    const wanted = Array.from({ length: 72 }, (_, i) => pixel[i % 3]);
    assert.ok(worst(pixels, wanted) <= tolerance, `${name}: ${pixels.slice(0, 6)}`);
  }
});

test('of an animation the first frame is taken', async (t) => {
  const folder = temporaryFolder(t);
  const frames = Buffer.concat([Buffer.alloc(48, 200), Buffer.alloc(48, 10)]);
  await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
    .gif()
    .toFile(join(folder, 'a.gif'));
  const { pixels } = await decodeImage({ file: join(folder, 'a.gif'), resize: { width: 4, height: 4 } });
  assert.ok(worst(pixels, new Uint8Array(48).fill(200)) <= 2);
});

test('a file that cannot be decoded is an issue that names the place it came from', async (t) => {
  const jpeg = readFileSync(fixture('upright.jpg'));
  const folder = temporaryFolder(t, { 'cut.jpg': jpeg.subarray(0, 1500), 'text.jpg': 'hello', 'empty.jpg': '' });
  const source = { file: '/data/train.jsonl', line: 7 };
  const failure = async (name: string) => {
    const error = await decodeImage({ file: join(folder, name), source, resize: { width: 8, height: 8 } }).catch(
      (thrown) => thrown,
    );
    assert.ok(error instanceof IssuesError, String(error));
    assert.deepEqual([error.issues[0].file, error.issues[0].line], ['/data/train.jsonl', 7]);
    return error.issues[0].code;
  };
  assert.equal(await failure('gone.jpg'), 'image-missing');
  assert.equal(await failure('cut.jpg'), 'image-damaged');
  assert.equal(await failure('text.jpg'), 'not-an-image');
  assert.equal(await failure('empty.jpg'), 'image-empty');
});

test('boxes outside of the image, and targets of the wrong size, are errors of the caller', async () => {
  const file = fixture('img_c.png');
  const resize = { width: 10, height: 10 };
  const box = (left: number, width: number) => ({ left, top: 0, width, height: 1 });
  await assert.rejects(
    decodeImage({ file, resize, crop: box(60, 5) }),
    /crop 5 × 1 at 60, 0 is not inside of 64 × 48 pixels/,
  );
  await assert.rejects(decodeImage({ file, resize, crop: box(0, 0) }), RangeError);
  await assert.rejects(decodeImage({ file, resize, crop: box(0.5, 1) }), RangeError);
  await assert.rejects(decodeImage({ file, resize, cropAfter: box(6, 5) }), RangeError);
  await assert.rejects(decodeImage({ file, resize }, { target: new Uint8Array(7) }), RangeError);
});
