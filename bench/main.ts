// Speed and memory beside Python's torch, and what training reaches on real images; writes bench/RESULTS.md. Wants a quiet machine,
// for about two hours in all, most of it for the runs of detectors.
//   npm run bench -- [section…] [--rounds N]      sections that are named are measured alone, and take their place in the file
import { parseArgs } from 'node:util';
import { turboJpeg } from '@fovea/data';
import { env } from 'onnxruntime-node';
import sharp from 'sharp';
import { automodeRuns } from './automode-runs.ts';
import { detectionMetrics } from './detection-metrics.ts';
import { detectionRuns } from './detection-runs.ts';
import { detectionTraining } from './detection-training.ts';
import { explanations } from './explanations.ts';
import { gateway } from './gateway.ts';
import { hpo } from './hpo.ts';
import { images } from './images.ts';
import { int8 } from './int8.ts';
import { loader } from './loader.ts';
import { masks } from './masks.ts';
import { memory } from './memory.ts';
import { prediction } from './prediction.ts';
import { format, keepResult, type Section } from './results.ts';
import { runs } from './runs.ts';
import { segmentationRuns } from './segmentation-runs.ts';
import { serving } from './serving.ts';
import { type Bench, findPython, Side } from './side.ts';
import { start } from './start.ts';
import { store } from './store.ts';
import { training } from './training.ts';
import { trialOverhead } from './trial-overhead.ts';
import { waiting } from './waiting.ts';

const sections: Record<string, (bench: Bench) => Promise<Section>> = {
  training,
  prediction,
  int8,
  explanations,
  images,
  loader,
  waiting,
  memory,
  start,
  hpo,
  serving,
  gateway,
  store,
  'trial-overhead': trialOverhead,
  'detection-metrics': detectionMetrics,
  'detection-training': detectionTraining,
  masks,
  runs,
  'automode-runs': automodeRuns,
  'detection-runs': detectionRuns,
  'segmentation-runs': segmentationRuns,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
const unknown = positionals.filter((name) => !Object.hasOwn(sections, name));
if (unknown.length > 0) fail(`no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}`);
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds is ${values.rounds}; it should be a number of 1 or more`);
if (process.platform !== 'linux') fail('the bench needs Linux: taskset to keep to one core, script for a terminal');

const python = findPython();
const begun = performance.now();
const say = (message: string) => console.error(`${Math.round((performance.now() - begun) / 1000)} s  ${message}`);
if (python === null) say('no Python with torch, torchvision and Pillow: only our side is measured');
const bench: Bench = { python, rounds, say };

for (const name of positionals.length > 0 ? positionals : Object.keys(sections)) {
  const section = await sections[name](bench);
  console.error(`\n${format(section)}`);
  keepResult(new URL('RESULTS.md', import.meta.url), section, await versions());
}
say('written to bench/RESULTS.md');

async function versions(): Promise<Record<string, string>> {
  const ours = Side.ours('training-side.ts');
  const theirs = Side.reference(bench);
  const libtorch = await ours.call<string>('version');
  const reference = await theirs?.call<Record<string, string>>('versions');
  ours.close();
  theirs?.close();
  return {
    Node: process.versions.node,
    libtorch,
    'ONNX Runtime': env.versions.node ?? 'unknown',
    sharp: sharp.versions.sharp ?? 'unknown',
    libturbojpeg: turboJpeg() ? 'present' : 'missing (sharp decodes instead)',
    ...reference,
  };
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
