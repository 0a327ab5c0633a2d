import { readFileSync, writeFileSync, globSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { quantiseOnnx } from '../automl/onnx/quantise/quantise.ts';
import { runOn } from '../automl/onnx/quantise/observe.ts';
import { readImage, networkInput } from './prepare.ts';
const [file, most, n, pattern, size] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4]), process.argv[5], Number(process.argv[6] ?? 224)];
const p = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resizeSize: Math.round(size * 8 / 7), cropSize: size };
const files = globSync(pattern).sort();
const every = Math.max(1, Math.floor(files.length / n));
const chosen = files.filter((_, i) => i % every === 0).slice(0, n);
const cached = await Promise.all(chosen.map(async (f) => ({ data: networkInput([await readImage(f, f, p)], p), shape: [1, 3, size, size] })));
const bytes = readFileSync(file);
const { results, simplified } = await quantiseOnnx(bytes, () => cached, { methods: ['min-max', 'percentile', 'mse', 'entropy'], most });
const test = cached.slice(0, 24);
async function outputs(onnx: Uint8Array) { const all: Float32Array[] = []; await runOn(onnx, () => test, {}, (o) => all.push(Object.values(o)[0])); return all; }
const ref = await outputs(bytes);
const cmp = (a: Float32Array[]) => { let e = 0, v = 0; for (const [i, r] of ref.entries()) { const m = r.reduce((x, y) => x + y, 0) / r.length; r.forEach((y, j) => { e += (y - a[i][j]) ** 2; v += (y - m) ** 2; }); } return (e / v).toExponential(2); };
console.log('simplified', cmp(await outputs(simplified)));
const opts = { intraOpNumThreads: 2, graphOptimizationLevel: 'all' as const };
const sf = await InferenceSession.create(bytes, opts);
async function time(s: InferenceSession) { const { data, shape } = test[0]; const t = performance.now(); for (let i = 0; i < 3; i++) await s.run({ [s.inputNames[0]]: new Tensor('float32', data, [...shape]) }); return (performance.now() - t) / 3; }
for (const [method, onnx] of results) {
  writeFileSync(`/tmp/fovea/h/${method}.onnx`, onnx);
  const sq = await InferenceSession.create(onnx, { ...opts, optimizedModelFilePath: `/tmp/fovea/h/${method}.opt.onnx`, logSeverityLevel: 3 } as never);
  await time(sf); await time(sq);
  const f: number[] = [], q: number[] = [];
  for (let i = 0; i < 5; i++) { f.push(await time(sf)); q.push(await time(sq)); }
  f.sort((a, b) => a - b); q.sort((a, b) => a - b);
  console.log(method, 'error', cmp(await outputs(onnx)), 'MB', (bytes.length / 1e6).toFixed(1), (onnx.length / 1e6).toFixed(1), 'ms', f[2].toFixed(1), q[2].toFixed(1), 'x', (f[2] / q[2]).toFixed(2));
}
