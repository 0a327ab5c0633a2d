import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setNumThreads } from '@fovea/torch';
import { checksOf } from './kinds.ts';

const folder = fileURLToPath(new URL('../fixtures/parity/', import.meta.url));
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const missesOf = async (file: unknown): Promise<string[]> =>
  (await Array.fromAsync(checksOf(file, folder)))
    .filter(({ passed }) => !passed)
    .map(({ name, says }) => `${name}: ${says}`);
const namesOf = (misses: string[]): string[] => misses.map((miss) => miss.replace(/: .*/, ''));

setNumThreads(1);

describe('every figure of the parts of detectors is reproduced', () => {
  for (const name of ['anchors', 'box_coder', 'matcher', 'detection_transform', 'legacy_names']) {
    test(name, async () => assert.deepEqual(await missesOf(read(join(folder, `${name}.json`))), []));
  }
});

describe('every figure of whole detectors is reproduced (takes seconds)', () => {
  const shared = process.env.FOVEA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
  for (const name of ['fasterrcnn_resnet18_fpn', 'maskrcnn_resnet34_fpn', 'retinanet_resnet50_fpn']) {
    const path = join(shared, 'parity/torchvision', `${name}.json`);
    const skip = existsSync(path) ? false : `${path} is not there; FOVEA_SHARED names its folder`;
    test(name, { skip }, async () => {
      const file = read(path);
      // The second step is left to npm run parity.
      file.train_step.loss_dicts.length = 2;
      file.train_step.losses.length = 2;
      assert.deepEqual(await missesOf(file), []);
    });
  }
});

test('a wrong figure of a part is a miss', async () => {
  const anchors = read(join(folder, 'anchors.json'));
  anchors.fasterrcnn.cell_anchors[0][0][0]++;
  anchors.retinanet.abs_sum++;
  assert.deepEqual(namesOf(await missesOf(anchors)), ['fasterrcnn, of a cell', 'retinanet, all']);
  const coder = read(join(folder, 'box_coder.json'));
  coder.cases[0].encode.values[3] += 0.01;
  coder.cases[1].decode.values[3] += 1;
  assert.deepEqual(namesOf(await missesOf(coder)), ['encode, weights 1,1,1,1', 'decode, weights 10,10,5,5']);
  const matcher = read(join(folder, 'matcher.json'));
  matcher.cases[2].matches[0] = 4;
  assert.deepEqual(namesOf(await missesOf(matcher)), ['0.4 to 0.5, low quality allowed']);
  const transform = read(join(folder, 'detection_transform.json'));
  transform.cases[0].mask_area++;
  assert.deepEqual(namesOf(await missesOf(transform)), ['dt_480x640 mask area']);
});
