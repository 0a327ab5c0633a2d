// Writes onnx.gen.ts from onnx.proto. Needed only when onnx.proto is replaced by a newer one.
// Takes `protoc` from the PATH (Debian: protobuf-compiler) and protoc-gen-es through npx; the version is that of the
// @bufbuild/protobuf in use, because generated code and runtime belong together.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const runtime = createRequire(import.meta.url).resolve('@bufbuild/protobuf'); // …/@bufbuild/protobuf/dist/cjs/index.js
const { version } = JSON.parse(readFileSync(join(runtime, '../../../package.json'), 'utf8'));
const work = mkdtempSync(join(tmpdir(), 'fovea-onnx-'));
try {
  const plugin = join(work, 'protoc-gen-es');
  writeFileSync(plugin, `#!/bin/sh\nexec npx --yes @bufbuild/protoc-gen-es@${version} "$@"\n`, { mode: 0o755 });
  execFileSync(
    'protoc',
    [
      `--proto_path=${folder}`,
      `--plugin=protoc-gen-es=${plugin}`,
      `--es_out=${work}`,
      '--es_opt=target=ts,erasable_syntax=true', // enums as plain objects: Node runs the file by stripping its types
      'onnx.proto',
    ],
    { stdio: 'inherit' },
  );
  writeFileSync(join(folder, 'onnx.gen.ts'), readFileSync(join(work, 'onnx_pb.ts')));
} finally {
  rmSync(work, { recursive: true });
}
