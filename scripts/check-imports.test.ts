import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkImports, imports } from './check-imports.ts';

/** The violations of a tree with these files, each as "file:line  message". */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'fovea-imports-'));
  try {
    const manifest = (dependencies: object) => JSON.stringify({ dependencies });
    const all: Record<string, string> = {
      'package.json': manifest({}),
      'packages/torch/package.json': manifest({}),
      'packages/data/package.json': manifest({ sharp: '1' }),
      'packages/vision/package.json': manifest({}),
      ...files,
    };
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return checkImports(root).violations.map(({ file, line, message }) => `${file}:${line}  ${message}`);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('imports along the arrows pass', () => {
  const found = check({
    'packages/vision/resnet.ts':
      "import { Tensor } from '@fovea/torch';\nimport { crop } from './transforms/crop.ts';\n",
    'packages/data/decode.ts': "import { readFile } from 'node:fs/promises';\nimport sharp from 'sharp';\n",
    'bench/main.ts': "import { Tensor } from '@fovea/torch';\n",
  });
  assert.deepEqual(found, []);
});

test('an import against the arrows is named with its line', () => {
  const found = check({ 'packages/torch/tensor.ts': "// why\nimport { resnet18 } from '@fovea/vision';\n" });
  assert.deepEqual(found, ['packages/torch/tensor.ts:2  imports @fovea/vision, but torch may import nothing of ours']);
});

test('a type import and a re-export against the arrows count too', () => {
  const found = check({
    'packages/data/a.ts': "import type { Tensor } from '@fovea/torch';\n",
    'packages/data/b.ts': "export {\n  Tensor,\n} from '@fovea/torch';\n",
    'packages/data/c.ts': "const torch = await import('@fovea/torch');\n",
  });
  assert.deepEqual(
    found.map((each) => each.split('  ')[0]),
    ['packages/data/a.ts:1', 'packages/data/b.ts:3', 'packages/data/c.ts:1'],
  );
});

test('a deep import into another package is refused, by name and by path', () => {
  const found = check({
    'packages/vision/a.ts': "import { Linear } from '@fovea/torch/nn/linear.ts';\n",
    'packages/vision/b.ts': "import { Linear } from '../torch/nn/linear.ts';\n",
    'bench/main.ts': "import { Linear } from '../packages/torch/nn/linear.ts';\n",
  });
  assert.deepEqual(found, [
    'bench/main.ts:1  imports a file of packages/torch; import @fovea/torch instead',
    'packages/vision/a.ts:1  imports @fovea/torch/nn/linear.ts; only what @fovea/torch itself exports is public',
    'packages/vision/b.ts:1  imports packages/torch/nn/linear.ts; import @fovea/torch instead',
  ]);
});

test('a dependency that only another package names is refused', () => {
  assert.deepEqual(check({ 'packages/torch/image.ts': "import sharp from 'sharp';\n" }), [
    'packages/torch/image.ts:1  imports sharp, which packages/torch/package.json does not name',
  ]);
});

test('a package without an entry in the table is refused', () => {
  const found = check({ 'packages/extra/package.json': '{}', 'packages/extra/index.ts': "import './a.ts';\n" });
  assert.match(found[0], /packages\/extra has no entry/);
});

test('examples in comments are no imports', () => {
  assert.deepEqual(imports("/**\n * import { x } from '@fovea/cli';\n */\n// import 'y';\n"), []);
});

test('a part that a package exports beside its index may be imported', () => {
  const found = check({
    'packages/vision/package.json': JSON.stringify({
      exports: { '.': './index.ts', './transforms': './transforms/index.ts' },
    }),
    'packages/serving/package.json': '{}',
    'packages/serving/a.ts': "import { centreCrop } from '@fovea/vision/transforms';\n",
    'packages/serving/b.ts': "import { resnet18 } from '@fovea/vision/models';\n",
  });
  assert.deepEqual(found, [
    'packages/serving/b.ts:1  imports @fovea/vision/models; only what @fovea/vision itself exports is public',
  ]);
});
