// What explain says, draws and refuses, with a model that plays its part; end-to-end.test.ts has a real one.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { XaiParameters } from '@fovea/automl/explanation-parameters';
import { run } from './program.ts';
import { installedServices, type Services } from './services.ts';

const fixture = (name: string) => join(import.meta.dirname, '../serving/fixtures', name);
const PNG = Buffer.from('a picture');

let folder: string;
let photos: string[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-explain-'));
  await cp(fixture('colours'), join(folder, 'one'), { recursive: true });
  await cp(fixture('colours'), join(folder, 'several'), { recursive: true });
  const multilabel: [string, string, string][] = [
    ['fovea.json', '"image_classification"', '"image_classification_multilabel"'],
    ['artifacts/settings.json', '"image-classification"', '"image-classification-multilabel"'],
  ];
  for (const [name, task, other] of multilabel) {
    const file = join(folder, 'several', name);
    await writeFile(file, (await readFile(file, 'utf8')).replace(task, other));
  }
  photos = ['a.jpg', 'b.png', 'none.jpg'].map((name) => join(folder, name));
  await writeFile(photos[0], 'x');
  await writeFile(photos[1], 'x');
});
after(() => rm(folder, { recursive: true }));

type Explanations = Awaited<ReturnType<Services['explanations']>>;

/** Classes `ant/../x` and `bee`, objects called `bee`; what was asked of it is kept. `stops` is called when it is asked. */
function staged(stops: () => void = () => {}) {
  const asked: { parameters?: XaiParameters; most?: number | undefined; closed: boolean } = { closed: false };
  const problem = (image: unknown) =>
    Object.assign(new Error(`${image} is not there`), { name: 'IssuesError', issues: [{ severity: 'error' }] });
  const openExplainer: Explanations['openExplainer'] = async (from) => {
    const task = from.endsWith('several') ? 'image_classification_multilabel' : 'image_classification';
    return {
      ...{ task, labels: ['ant/../x', 'bee'], size: 1 },
      async read(image) {
        if (String(image).endsWith('none.jpg')) throw problem(image);
        return new Uint8Array(3);
      },
      probabilities: () => [0.75, 0.25],
      targets: (probabilities, { confidence_score_threshold_multilabel: least }) =>
        task === 'image_classification' ? [0] : [0, 1].filter((i) => probabilities[i] >= least),
      async explain(_, { parameters, targets, signal }) {
        asked.parameters = parameters;
        stops();
        await new Promise((done) => setImmediate(done));
        signal?.throwIfAborted();
        const visualization = parameters.visualizations ? PNG : null;
        return targets.map((target) => ({ target, attributions: Float32Array.of(1, 2, 3), visualization }));
      },
      close() {
        asked.closed = true;
      },
    };
  };
  const openObjectExplainer: Explanations['openObjectExplainer'] = async () => ({
    labels: ['bee'],
    async explain(_, options) {
      asked.most = options?.most;
      const box = { topX: 0, topY: 0, bottomX: 0.5, bottomY: 1 };
      const object = { label: 'bee', score: 0.9, box, heat: Float64Array.of(0, 1), visualization: PNG };
      return [object, { ...object, score: 0.5 }].map((each) => ({ ...each, size: { width: 2, height: 1 } }));
    },
    close() {
      asked.closed = true;
    },
  });
  const services: Services = {
    ...installedServices,
    explanations: async () => {
      const { readModelFolder } = await import('@fovea/automl/model-folder');
      return { openExplainer, openObjectExplainer, readModelFolder };
    },
  };
  return { services, asked };
}

async function explain(services: Services, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const channel = (name: keyof typeof written) => ({
    ...{ isTerminal: false, columns: () => 100 },
    write: (text: string) => {
      written[name] += text;
    },
    paint: (_: unknown, text: string) => text,
  });
  const terminal = { out: channel('out'), err: channel('err'), flush: async () => {} };
  const words = ['explain', ...args, '--workspace', join(folder, 'workspace')];
  const code = await run(words, { terminal, services });
  return { code, ...written };
}

test('draws a picture for each image, named after it, and goes on after one that cannot be read', async () => {
  const { services, asked } = staged();
  const { code, out, err } = await explain(services, join(folder, 'one'), ...photos, photos[0]);
  const drawn = join(folder, 'workspace', 'explanations');
  assert.equal(code, 1);
  const block = (image: string, picture: string) => `${image}\n  ant/../x   75.0 %  ${join(drawn, picture)}\n`;
  assert.equal(out, block(photos[0], 'a.png') + block(photos[1], 'b.png') + block(photos[0], 'a-2.png'));
  assert.equal(err, `error ${photos[2]} is not there\n1 image of 4 could not be read\n`);
  assert.deepEqual(await readdir(drawn), ['a-2.png', 'a.png', 'b.png']);
  assert.deepEqual(await readFile(join(drawn, 'a.png')), PNG);
  assert.equal(asked.parameters?.xai_algorithm, 'xrai');
  assert.ok(asked.closed);
});

test('pictures beside the images are not written over them, and labels do not become folders', async () => {
  const { services } = staged();
  const args = [join(folder, 'several'), photos[1], '--pictures', folder, '--threshold', '0.2', '-o', 'json'];
  const { code, out, err } = await explain(services, ...args);
  assert.equal(code, 0, err);
  const [{ explanations, ...answer }] = JSON.parse(out);
  assert.deepEqual(answer, { file: photos[1], probs: [0.75, 0.25], labels: ['ant/../x', 'bee'] });
  assert.deepEqual(explanations, [
    { label: 'ant/../x', probability: 0.75, picture: join(folder, 'b-ant_x.png') },
    { label: 'bee', probability: 0.25, picture: join(folder, 'b-bee.png') },
  ]);
  const beside = await explain(services, join(folder, 'one'), photos[1], '--pictures', folder, '-o', 'tsv');
  assert.equal(beside.out, `${photos[1]}\tant/../x\t0.75\t${join(folder, 'b-2.png')}\n`);
  assert.equal(await readFile(photos[1], 'utf8'), 'x');
  const none = await explain(services, join(folder, 'several'), photos[1], '--threshold', '0.9');
  assert.match(none.out, /b\.png\n {2}no label has a probability of 0\.9 or more\n/);
});

test('numbers are given where they are asked for, and pictures then only with --pictures', async () => {
  const { services, asked } = staged();
  const args = ['--algorithm', 'integrated_gradients', '--steps', '7', '--approximation', 'gausslegendre'];
  const { out } = await explain(services, join(folder, 'one'), photos[0], ...args, '--attributions', '-o', 'json');
  assert.deepEqual(JSON.parse(out)[0].explanations, [
    { label: 'ant/../x', probability: 0.75, attributions: [[[1]], [[2]], [[3]]] },
  ]);
  assert.deepEqual(asked.parameters, {
    ...{ xai_algorithm: 'integrated_gradients', n_steps: 7, approximation_method: 'gausslegendre' },
    ...{ visualizations: false, attributions: true, xrai_fast: true, confidence_score_threshold_multilabel: 0.5 },
  });
});

test('objects are explained one by one', async () => {
  const { services, asked } = staged();
  const args = [fixture('quarters'), photos[0], '--pictures', join(folder, 'found'), '--top', '2'];
  const { out, code } = await explain(services, ...args, '--attributions', '-o', 'json');
  assert.equal(code, 0);
  assert.equal(asked.most, 2);
  const box = { topX: 0, topY: 0, bottomX: 0.5, bottomY: 1 };
  assert.deepEqual(JSON.parse(out), [
    {
      file: photos[0],
      explanations: [
        { label: 'bee', score: 0.9, box, picture: join(folder, 'found', 'a-bee.png'), attributions: [[0, 1]] },
        { label: 'bee', score: 0.5, box, picture: join(folder, 'found', 'a-bee-2.png'), attributions: [[0, 1]] },
      ],
    },
  ]);
});

test('what has no use for an option says so, before anything is explained', async () => {
  const { services, asked } = staged();
  const [one, several] = [join(folder, 'one'), join(folder, 'several')];
  const cases: [string[], RegExp][] = [
    [
      [one, photos[0], '--algorithm', 'lime'],
      /Allowed choices are xrai, integrated_gradients, guided_gradcam, guided_/,
    ],
    [[one, photos[0], '--steps', '1'], /It should be a whole number, 2 … 1000/],
    [[one, photos[0], '--threshold', '2'], /It should be a number, 0 … 1/],
    [[one, photos[0], '--algorithm', 'guided_gradcam', '--steps', '9'], /--steps is for xrai and integrated_gradients/],
    [[one, photos[0], '--algorithm', 'integrated_gradients', '--full'], /--full is for xrai, not for integrated_gr/],
    [[one, photos[0], '--approximation', 'gausslegendre'], /--approximation is for integrated_gradients, not for xrai/],
    [[one, photos[0], '--threshold', '0.3'], /--threshold is for models that give an image several labels/],
    [[several, photos[0], '--top', '3'], /--top is for models that find objects/],
    [[fixture('rings'), photos[0], '--algorithm', 'xrai'], /--algorithm is for models that classify whole images/],
    [[fixture('rings'), photos[0], '--threshold', '0.3'], /--threshold is for models that give an image several/],
    [[one, photos[0], '--attributions'], /--attributions are numbers for programs/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await explain(services, ...args);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
  assert.equal(asked.parameters, undefined);
});

test('Ctrl-C ends it, and what was drawn stays', async () => {
  let calls = 0;
  const { services, asked } = staged(() => {
    if (++calls === 2) process.emit('SIGINT', 'SIGINT');
  });
  const args = [join(folder, 'one'), photos[0], photos[1], photos[0], '--pictures', join(folder, 'stopped')];
  const { code, err } = await explain(services, ...args);
  assert.equal(code, 130, err);
  assert.match(err, /stopped; 1 image of 3 explained/);
  assert.deepEqual(await readdir(join(folder, 'stopped')), ['a.png']);
  assert.ok(asked.closed);
  assert.equal(process.listenerCount('SIGINT'), 0);
});
