import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { decodeImage, imageSize, type Pixels } from './decode.ts';
import { IssuesError } from './issue.ts';
import { resizeLinear } from './resize-linear.ts';
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

describe('every kind of image gives the very bytes that convert(RGB) of Pillow gives', () => {
  // Drawn by fixtures/record-kinds.py: alpha is dropped, not blended; of an animation the first frame is taken.
  const kinds = JSON.parse(readFileSync(fixture('kinds.json'), 'utf8')) as Record<string, Expected>;
  for (const [name, { width, height, sha256: right }] of Object.entries(kinds)) {
    test(name, async () => {
      const file = fixture(`kinds/${name}`);
      assert.deepEqual(await imageSize({ file }), { width, height });
      assert.equal(sha256(await decodeImage({ file, resize: { width, height } })), right);
    });
  }
});

test('without libturbojpeg, JPEG of every kind gives the same', async () => {
  const script = `
    import { decodeImage } from ${JSON.stringify(new URL('./decode.ts', import.meta.url).href)};
    import { createHash } from 'node:crypto';
    for (const [file, width, height] of JSON.parse(process.argv[1])) {
      const { pixels } = await decodeImage({ file, resize: { width, height } });
      console.log(createHash('sha256').update(pixels).digest('hex'));
    }`;
  const kinds = JSON.parse(readFileSync(fixture('kinds.json'), 'utf8')) as Record<string, Expected>;
  const jpegs = Object.entries(kinds).filter(([name]) => name.endsWith('.jpg'));
  const asked = JSON.stringify(jpegs.map(([name, { width, height }]) => [fixture(`kinds/${name}`), width, height]));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, asked], {
    env: { ...process.env, FOVEA_TURBOJPEG: 'off' },
  });
  assert.deepEqual(
    stdout.trim().split('\n'),
    jpegs.map(([, { sha256: right }]) => right),
  );
});

test('grey of 16 bits keeps its high byte, which Pillow would cut off at 255', async (t) => {
  const file = join(temporaryFolder(t), 'grey16.png');
  const deep = Uint16Array.from({ length: 24 }, (_, i) => i * 2700);
  await sharp(deep, { raw: { width: 6, height: 4, channels: 1, depth: 'ushort' } as never })
    .toColourspace('grey16')
    .png()
    .toFile(file);
  const { pixels } = await decodeImage({ file, resize: { width: 6, height: 4 } });
  assert.deepEqual(
    Array.from(pixels),
    Array.from(deep).flatMap((value) => [value >> 8, value >> 8, value >> 8]),
  );
});

test('an image with too many pixels is refused by its header, before anything is decoded', async (t) => {
  const png = readFileSync(fixture('img_c.png'));
  const large = Buffer.from(png);
  large.writeUInt32BE(20_000, 16);
  large.writeUInt32BE(9_000, 20);
  large.writeUInt32BE(crc32(large.subarray(12, 29)), 29);
  const bmp = readFileSync(fixture('kinds/rgb.bmp'));
  bmp.writeInt32LE(20_000, 18);
  bmp.writeInt32LE(9_000, 22);
  const jpeg = readFileSync(fixture('upright.jpg'));
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(9_000, frame + 5);
  jpeg.writeUInt16BE(20_000, frame + 7);
  const folder = temporaryFolder(t, { 'large.png': large, 'large.bmp': bmp, 'large.jpg': jpeg });
  for (const name of ['large.png', 'large.bmp', 'large.jpg']) {
    const file = join(folder, name);
    const message = /large\.\w+ has 20,000 × 9,000 pixels, more than can be opened \(178,956,970\)/;
    await assert.rejects(decodeImage({ file, resize: { width: 8, height: 8 } }), message);
    await assert.rejects(imageSize({ file }), message);
  }
});

test('a BMP that ends too early is cut off, one of a rare kind is said to be one', async (t) => {
  const bmp = readFileSync(fixture('kinds/rgb.bmp'));
  const rare = Buffer.from(bmp);
  rare.writeUInt32LE(4, 30);
  const files = {
    'cut.bmp': bmp.subarray(0, 500),
    'header.bmp': bmp.subarray(0, 30),
    'runs.bmp': readFileSync(fixture('kinds/rle8.bmp')).subarray(0, 1200),
    'rare.bmp': rare,
  };
  const folder = temporaryFolder(t, files);
  const decode = (name: string) => decodeImage({ file: join(folder, name), resize: { width: 8, height: 8 } });
  await assert.rejects(decode('cut.bmp'), /is cut off \(unexpected end of BMP data: 500 of 730 bytes\)/);
  await assert.rejects(decode('header.bmp'), /is cut off \(unexpected end of BMP header\)/);
  await assert.rejects(decode('runs.bmp'), /is cut off/);
  await assert.rejects(decode('rare.bmp'), /is not an image that can be read \(it is a BMP of a rare kind\)/);
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

test('linear resizes what was cut and mirrored, as OpenCV does; without a change of size it changes nothing', async () => {
  const file = fixture('img_a.png');
  const crop = { left: 11, top: 7, width: 90, height: 60 };
  for (const flip of [false, true]) {
    const part = await decodeImage({ file, crop, resize: crop, flip });
    const resize = { width: 41, height: 77 };
    const { pixels } = await decodeImage({ file, crop, resize, flip, interpolation: 'linear' });
    assert.deepEqual(pixels, resizeLinear(part.pixels, crop, resize));
    assert.deepEqual(await decodeImage({ file, crop, resize: crop, flip, interpolation: 'linear' }), part);
    const small = { width: 30, height: 20 };
    const averaged = await decodeImage({ file, crop, resize: small, flip });
    const picked = await decodeImage({ file, crop, resize: small, flip, interpolation: 'linear' });
    assert.notDeepEqual(picked, averaged);
  }
  const resize = { width: 20, height: 20 };
  await assert.rejects(decodeImage({ file, resize, interpolation: 'linear', fast: true }), /fast does not go together/);
});
