import assert from 'node:assert/strict';
import { test } from 'node:test';
import { huggingFace, torchvision } from './source.ts';

test("a torchvision file's name holds its address and the first digits of its hash", () => {
  const source = torchvision('resnet18-f37072fd.pth', { licence: 'BSD-3-Clause' });
  assert.equal(source.url, 'https://download.pytorch.org/models/resnet18-f37072fd.pth');
  assert.equal(source.sha256, 'f37072fd');
  assert.equal(source.classes, 1000);
  assert.deepEqual(source.paths, ['resnet18-f37072fd.pth', 'resnet18-f37072fd.safetensors']);
  assert.equal(torchvision('resnext50_32x4d-7cdf4587.pth', { licence: 'BSD-3-Clause' }).sha256, '7cdf4587');
  assert.equal(torchvision('mobilenet_v2-b0353104.pth', { licence: 'BSD-3-Clause' }).sha256, 'b0353104');
});

test('a file of the Hugging Face Hub is looked for under the name of its repository', () => {
  const source = huggingFace('timm/resnet18.tv_in1k', 'model.safetensors', {
    licence: 'BSD-3-Clause',
    revision: 'refs/pr/1',
  });
  assert.equal(source.url, 'https://huggingface.co/timm/resnet18.tv_in1k/resolve/refs%2Fpr%2F1/model.safetensors');
  assert.equal(source.sha256, null);
  assert.deepEqual(source.paths, [
    'timm/resnet18.tv_in1k/model.safetensors',
    'resnet18.tv_in1k/model.safetensors',
    'resnet18.tv_in1k.safetensors',
  ]);
});

test('no name leads out of a folder', () => {
  for (const file of ['../a.pth', '/etc/passwd', 'a/../../b', 'a\\b', '', 'a b', './a']) {
    assert.throws(() => torchvision(file, { licence: 'MIT' }), RangeError);
    assert.throws(() => huggingFace('a/b', file, { licence: 'MIT' }), RangeError);
  }
  for (const repository of ['a', 'a/b/c', '../b', 'a/..', 'https://x/y']) {
    assert.throws(() => huggingFace(repository, 'f', { licence: 'MIT' }), RangeError);
  }
});
