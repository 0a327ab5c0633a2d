import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import sharp from 'sharp';
import { ask, base64, colour, explained, modelFolder, quarters, scoring, served } from '../fixtures/served.ts';
import { loadModel, openModel } from '../index.ts';
import type { ExplanationRequest } from './explanation.ts';
import type { Instance } from './index.ts';

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-instance-'));
});
after(() => rm(work, { recursive: true }));

/** A copy of a model whose settings.json has other values. */
async function edited(name: string, settings: object): Promise<string> {
  const folder = await mkdtemp(join(work, `${name}-`));
  await cp(modelFolder(name), folder, { recursive: true });
  const file = join(folder, 'artifacts/settings.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...settings }));
  return folder;
}

describe('a classifier', () => {
  let instance: Instance;
  before(async () => {
    instance = await served('colours', { deployment: 'blue', explainer: null });
  });
  after(() => instance.drain());

  test('answers what the model answers, in all forms of a request', async () => {
    const pictures = await Promise.all([colour(200, 30, 90), colour(0, 255, 0)]);
    const model = await loadModel(modelFolder('colours'), { threads: 1 });
    const expected = await model.predict(pictures);
    await model.close();
    const [first, second] = pictures.map(base64);
    const lines = first.replace(/.{76}/g, '$&\n');
    const plain = JSON.stringify({ image_base64: first, model_explainability: false });
    const forms = [
      scoring(first, second),
      scoring([first], [second]),
      scoring(lines, `${second}\n`),
      scoring(plain, JSON.stringify({ image_base64: second })),
      scoring(` ${plain}`, [JSON.stringify({ image_base64: lines.replaceAll('\n', '\r\n'), xai_parameters: {} })]),
    ].map(({ body }) => JSON.parse(body));
    forms[1].input_data.index = [0, 1];
    forms[2].params = {};
    for (const [i, form] of forms.entries()) {
      const { status, json, text } = await ask(instance, { body: JSON.stringify(form) });
      assert.equal(status, 200, text);
      assert.deepEqual(json, i === 4 ? [expected[0], expected[0]] : expected, `form ${i}`);
      assert.deepEqual(Object.keys(json[0]), ['probs', 'labels']);
    }
    assert.deepEqual((await ask(instance, scoring())).json, []);
  });

  test('answers one object for the bytes of a picture, as version 1 does', async () => {
    const body = await colour(20, 30, 200);
    const [wrapped] = (await ask(instance, scoring(base64(body)))).json;
    for (const type of ['application/octet-stream', 'image/png']) {
      const { json } = await ask(instance, { body, headers: { 'content-type': type } });
      assert.equal(typeof json.filename, 'string');
      assert.deepEqual({ probs: json.probs, labels: json.labels }, wrapped);
    }
    const { status, json } = await ask(instance, { body: 'text', headers: { 'content-type': 'image/png' } });
    assert.equal(status, 400);
    assert.match(json.error.message, /^the body is not an image that can be read \(it is text\)/);
  });

  test('many clients at once get their own answers', async () => {
    const busy = await served('colours', { maxConcurrentRequestsPerInstance: 64 });
    const questions = Array.from({ length: 60 }, (_, i) => [4 * i, 255 - 4 * i, (37 * i) % 256] as const);
    const bodies = await Promise.all(questions.map((rgb) => colour(...rgb)));
    const alone: unknown[] = [];
    for (const body of bodies) alone.push((await ask(busy, scoring(base64(body)))).json);
    const together = await Promise.all(bodies.map((body) => ask(busy, scoring(base64(body)))));
    for (const [i, { json }] of together.entries()) {
      const { probs }: { probs: number[] } = json[0];
      const [{ probs: expected }] = alone[i] as { probs: number[] }[];
      for (const [k, probability] of probs.entries()) assert.ok(Math.abs(probability - expected[k]) < 1e-6, `${i}`);
    }
    await busy.drain();
  });

  test('says what is wrong with a request, and where', async () => {
    const good = base64(await colour(1, 2, 3));
    const cases: [body: string, message: RegExp, target: string | undefined][] = [
      ['{"input_data": ', /the request is not JSON: .*JSON/, undefined],
      ['[]', /the request should be an object/, undefined],
      ['{}', /input_data is missing; a request is \{"input_data"/, 'input_data'],
      [JSON.stringify({ input_data: [], more: 1 }), /"more" is not known here/, undefined],
      [JSON.stringify({ input_data: { columns: ['image', 'x'], data: [] } }), /\["image"\]/, 'input_data.columns'],
      [JSON.stringify({ input_data: { columns: ['image'] } }), /data should be a list/, 'input_data.data'],
      [JSON.stringify({ input_data: { columns: ['image'], index: [0], data: [] } }), /index/, 'input_data.index'],
      [scoring(good, 5).body, /should be a string/, 'input_data.data[1]'],
      [scoring([good, good]).body, /should be a string/, 'input_data.data[0]'],
      [scoring('').body, /empty/, 'input_data.data[0]'],
      [scoring(`data:image/png;base64,${good}`).body, /it has ":" in it; leave out/, 'input_data.data[0]'],
      [scoring(good.slice(0, -3)).body, /cut off/, 'input_data.data[0]'],
      [scoring(good, 'aGVsbG8=').body, /input_data\.data\[1\] is not an image.*text/, 'input_data.data[1]'],
      [scoring('{"image_base64": 1}').body, /image_base64 is missing/, 'input_data.data[0].image_base64'],
      [scoring('{"image": ""}').body, /"image" is not known here/, 'input_data.data[0]'],
      [scoring('http://').body, /address cannot be understood/, 'input_data.data[0]'],
      [scoring(`http://${'a'.repeat(9000)}/`).body, /longer than 8192 characters/, 'input_data.data[0]'],
      [scoring('http://localhost:1/a.png').body, /addresses of the public internet only/, 'input_data.data[0]'],
      [scoring('http://[::1]/a.png').body, /addresses of the public internet only/, 'input_data.data[0]'],
      [scoring(explained(await colour(1, 2, 3))).body, /started without explanations/, 'input_data.data[0]'],
    ];
    for (const [body, message, target] of cases) {
      const { status, json } = await ask(instance, { body });
      assert.equal(status, 400, body.slice(0, 200));
      assert.match(json.error.message, message);
      assert.deepEqual([json.error.code, json.error.target], ['BadRequest', target]);
    }
    const coded = await ask(instance, { ...scoring(good), headers: { 'content-encoding': 'gzip' } });
    assert.deepEqual([coded.status, coded.json.error.code], [415, 'UnsupportedMediaType']);
    const form = await ask(instance, { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual([form.status, form.json.error.code], [415, 'UnsupportedMediaType']);
  });

  test('has its routes, and no others', async () => {
    for (const path of ['/', '/health/live', '/health/ready']) {
      const { status, text } = await ask(instance, { path });
      assert.deepEqual([status, text], [200, 'Healthy']);
    }
    const head = await ask(instance, { path: '/', method: 'HEAD' });
    assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '7']);
    const missing = await ask(instance, { path: '/../etc/passwd' });
    assert.equal(missing.status, 404);
    assert.match(missing.json.error.message, /POST \/score/);
    const wrong = await ask(instance, { path: '/score' });
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
    assert.equal((await ask(instance, { path: '/constructor' })).status, 404);
  });

  test('describes itself', async () => {
    const { json: two } = await ask(instance, { path: '/swagger.json' });
    assert.equal(two.swagger, '2.0');
    assert.deepEqual(two.paths['/score'].post.parameters[0].schema, { $ref: '#/definitions/ServiceInput' });
    const { json: three } = await ask(instance, { path: '/swagger.json?version=3' });
    assert.match(three.openapi, /^3\./);
    assert.deepEqual(Object.keys(three.components.schemas.ServiceOutput.items.properties).slice(0, 2), [
      'probs',
      'labels',
    ]);
    assert.equal((await ask(instance, { path: '/swagger.json?version=4' })).status, 400);
  });

  test('gives requests their names back, in answers and in its log', async () => {
    const lines: Record<string, unknown>[] = [];
    const sink = new Writable({
      write(chunk, _, done) {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const logged = await served('colours', { deployment: 'green' }, { log: pino(sink) });
    const { body, headers } = scoring(base64(await colour(9, 9, 9)));
    const named = { ...headers, 'x-request-id': 'one-1', 'x-ms-client-request-id': 'client-1' };
    const first = await ask(logged, { body, headers: named });
    assert.equal(first.headers['x-request-id'], 'one-1');
    assert.equal(first.headers['x-ms-client-request-id'], 'client-1');
    assert.equal(first.headers['azureml-model-deployment'], 'green');
    const odd = await ask(logged, { body: '{}', headers: { ...named, 'x-request-id': 'a"b {}' } });
    assert.match(String(odd.headers['x-request-id']), /^[0-9a-f-]{36}$/);
    await logged.drain();
    const told = lines.filter(({ msg }) => msg === 'request');
    assert.deepEqual(
      told.map(({ id, client, path, status, images }) => ({ id, client, path, status, images })),
      [
        { id: 'one-1', client: 'client-1', path: '/score', status: 200, images: 1 },
        { id: odd.headers['x-request-id'], client: 'client-1', path: '/score', status: 400, images: undefined },
      ],
    );
    assert.match(JSON.stringify(told[1].error), /input_data is missing/);
  });

  test('counts for Prometheus', async () => {
    const counted = await served('colours');
    await ask(counted, scoring(base64(await colour(9, 9, 9))));
    await ask(counted, scoring('AAAA'));
    const { text, headers } = await ask(counted, { path: '/metrics' });
    assert.match(String(headers['content-type']), /text\/plain/);
    for (const line of [
      /^fovea_instance_ready 1$/m,
      /^fovea_requests_total\{route="\/score",status="200"\} 1$/m,
      /^fovea_requests_total\{route="\/score",status="400"\} 1$/m,
      /^fovea_score_seconds_count 2$/m,
      /^fovea_queue_seconds_count 2$/m,
      // One of them by the grey image that every instance begins with.
      /^fovea_batch_images_count 2$/m,
      /^fovea_requests_waiting 0$/m,
      /^process_resident_memory_bytes \d+/m,
    ])
      assert.match(text, line);
    await counted.drain();
  });
});

test('a multi-label model gives probabilities that do not depend on each other', async () => {
  const folder = await edited('colours', {});
  const metadata = JSON.parse(await readFile(join(folder, 'fovea.json'), 'utf8'));
  await writeFile(join(folder, 'fovea.json'), JSON.stringify({ ...metadata, task: 'image_classification_multilabel' }));
  const settings = { valid_resize_size: 32, valid_crop_size: 24 };
  await writeFile(join(folder, 'artifacts/settings.json'), JSON.stringify(settings));
  const image = await colour(255, 255, 0);
  const model = await loadModel(folder, { threads: 1 });
  const instance = await served(folder);
  const { json } = await ask(instance, scoring(base64(image)));
  assert.deepEqual(json, await model.predict([image]));
  await model.close();
  await instance.drain();
});

describe('a detector', () => {
  test('answers boxes', async () => {
    const instance = await served('quarters');
    const image = await quarters();
    const model = await openModel(modelFolder('quarters'), { threads: 1 });
    assert.ok(model.task === 'image_object_detection');
    const expected = await model.predict([image]);
    await model.close();
    const black = await colour(0, 0, 0);
    const { json } = await ask(instance, scoring(base64(image), base64(black)));
    assert.deepEqual(Object.keys(json[0].boxes[0]), ['box', 'label', 'score']);
    assert.deepEqual(json, [...expected, { boxes: [] }]);
    const { status, json: refused } = await ask(instance, scoring(explained(image)));
    assert.equal(status, 400);
    assert.match(refused.error.message, /only classification is explained/);
    const { json: described } = await ask(instance, { path: '/swagger.json' });
    assert.ok(described.definitions.ServiceOutput.items.properties.boxes);
    await instance.drain();
  });

  test('of masks answers polygons, or pictures where settings.json asks for them', async () => {
    const image = await quarters();
    const instance = await served('rings');
    const [{ boxes }] = (await ask(instance, scoring(base64(image)))).json;
    assert.deepEqual(Object.keys(boxes[0]), ['box', 'label', 'score', 'polygon']);
    assert.ok(boxes[0].polygon[0].every((share: number) => share >= 0 && share <= 1));
    await instance.drain();

    const pictures = await served(await edited('rings', { export_as_image: true, image_type: 'PNG' }));
    const [answer] = (await ask(pictures, scoring(base64(image)))).json;
    const { width, height, format } = await sharp(Buffer.from(answer.boxes[0].mask, 'base64')).metadata();
    assert.deepEqual([width, height, format], [100, 60, 'png']);
    await pictures.drain();
  });

  test('of cells answers boxes, tiles or not', async () => {
    const image = await colour(255, 255, 20, 100, 60);
    for (const settings of [{}, { tile_grid_size: '2x1', tile_overlap_ratio: 0 }]) {
      const folder = await edited('halves', settings);
      const instance = await served(folder);
      const model = await openModel(folder, { threads: 1 });
      assert.deepEqual((await ask(instance, scoring(base64(image)))).json, await model.predict([image]));
      await model.close();
      await instance.drain();
    }
  });
});

describe('explanations', () => {
  test('are asked of the one who gives them, with what was said of the picture', async () => {
    const asked: ExplanationRequest[] = [];
    const explain = async (request: ExplanationRequest) => {
      asked.push(request);
      const { visualizations, attributions } = request.parameters;
      return { ...(visualizations && { visualizations: 'iVBORw0KGgo' }), ...(attributions && { attributions: [[1]] }) };
    };
    const instance = await served('colours', {}, { explain });
    const image = await colour(9, 200, 9);
    const { json } = await ask(
      instance,
      scoring(
        explained(image),
        base64(image),
        explained(image, {
          xai_algorithm: 'integrated_gradients',
          n_steps: 20,
          visualizations: false,
          attributions: true,
        }),
        explained(image, { visualizations: false }),
      ),
    );
    assert.deepEqual(json.map(Object.keys), [
      ['probs', 'labels', 'visualizations'],
      ['probs', 'labels'],
      ['probs', 'labels', 'attributions'],
      ['probs', 'labels'],
    ]);
    assert.equal(asked.length, 2);
    // Which of them is ready first is not settled.
    asked.sort((a, b) => b.parameters.n_steps - a.parameters.n_steps);
    assert.deepEqual(Buffer.from(asked[0].image), image);
    const { probs, labels } = json[0];
    assert.deepEqual(asked[0].prediction, { probs, labels });
    assert.deepEqual(asked[0].parameters, {
      xai_algorithm: 'xrai',
      visualizations: true,
      attributions: false,
      confidence_score_threshold_multilabel: 0.5,
      n_steps: 50,
      xrai_fast: true,
      approximation_method: 'riemann_middle',
    });
    assert.equal(asked[1].parameters.n_steps, 20);
    await instance.drain();
  });

  test('have the parameters that Azure documents, and no others', async () => {
    const instance = await served('colours', {}, { explain: async () => ({}) });
    const image = await colour(9, 200, 9);
    for (const [parameters, message] of [
      [{ xai_algorithm: 'lime' }, /xai_algorithm should be one of xrai, integrated_gradients, guided_gradcam, guided_/],
      [{ n_steps: 1 }, /n_steps should be a whole number, 2/],
      [{ n_steps: 2.5, xrai_fast: 'yes' }, /n_steps should be.*; xrai_fast should be true or false/],
      [{ steps: 2 }, /"steps" is no parameter; there are xai_algorithm/],
      [{ confidence_score_threshold_multilabel: 2 }, /should be a number, 0 … 1/],
      [[], /should be an object/],
    ] as const) {
      const { status, json } = await ask(instance, scoring(explained(image, parameters)));
      assert.equal(status, 400);
      assert.match(json.error.message, message);
      assert.equal(json.error.target, 'input_data.data[0].xai_parameters');
    }
    await instance.drain();
  });

  test('come from libtorch unless another module is named; what it cannot load is told', async () => {
    const instance = await served('colours', { requestTimeoutMs: 60_000 });
    const { status, json } = await ask(instance, scoring(explained(await colour(9, 200, 9))));
    assert.deepEqual([status, json.error.code], [400, 'ExplanationsUnavailable']);
    assert.match(
      json.error.message,
      /^this instance cannot explain: resnet18 for images of 24 × 24 pixels.*; ask without model_explainability$/,
    );
    await instance.drain();
  });

  test('are given up when the client goes away, or when they take too long', async () => {
    const signals: AbortSignal[] = [];
    const explain = ({ signal }: ExplanationRequest) => {
      signals.push(signal);
      return new Promise<never>(() => {});
    };
    const instance = await served(
      'colours',
      { requestTimeoutMs: 300, maxConcurrentRequestsPerInstance: 4 },
      { explain },
    );
    const question = scoring(explained(await colour(9, 200, 9)));
    const { status, json } = await ask(instance, question);
    assert.equal(status, 408);
    assert.match(json.error.message, /within request_timeout_ms, 300 ms/);
    const leaving = new AbortController();
    const left = ask(instance, { ...question, signal: leaving.signal });
    while (signals.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await assert.rejects(left);
    while (!signals[1].aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([signals[0].reason.status, signals[1].reason.status], [408, 499]);
    // Neither holds a place.
    assert.equal((await ask(instance, scoring(base64(await colour(1, 1, 1))))).status, 200);
    assert.match((await ask(instance, { path: '/metrics' })).text, /^fovea_requests_active 0$/m);
    await instance.drain();
  });
});

test('more requests than there are places wait, not too many and not too long', async () => {
  const release: (() => void)[] = [];
  const explain = () => new Promise<object>((resolve) => release.push(() => resolve({})));
  const limits = { maxQueuedRequests: 1, maxQueueWaitMs: 400, requestTimeoutMs: 60_000 };
  const instance = await served('colours', limits, { explain });
  const image = await colour(9, 200, 9);
  const first = ask(instance, scoring(explained(image)));
  while (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const begun = performance.now();
  const second = ask(instance, scoring(base64(image)));
  const waiting = async () => /^fovea_requests_waiting 1$/m.test((await ask(instance, { path: '/metrics' })).text);
  while (!(await waiting())) await new Promise((resolve) => setTimeout(resolve, 5));
  const third = await ask(instance, scoring(base64(image)));
  assert.deepEqual([third.status, third.json.error.code, third.headers['retry-after']], [429, 'TooManyRequests', '1']);
  assert.match(third.json.error.message, /1 request is waiting already.*max_concurrent_requests_per_instance/);
  const { status, json } = await second;
  assert.equal(status, 429);
  assert.match(json.error.message, /the request waited 400 ms/);
  assert.ok(performance.now() - begun >= 390);
  release[0]();
  assert.equal((await first).status, 200);
  // Probes are answered by an instance whose places are taken.
  assert.equal((await ask(instance, { path: '/health/ready' })).status, 200);
  await instance.drain();
});

test('images are fetched by their addresses, where that is allowed', async () => {
  const image = await colour(200, 30, 90);
  const files = createServer((request, response) => {
    if (request.url === '/image.png') response.end(image);
    else if (request.url === '/moved') response.writeHead(302, { location: '/image.png' }).end();
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/large') response.end(Buffer.alloc(2e6));
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => files.listen(0, '127.0.0.1', done));
  const at = (path: string) => `http://127.0.0.1:${(files.address() as AddressInfo).port}${path}`;
  const [any, none, open] = await Promise.all([
    served('colours', { imageAddresses: 'any', maxRequestBytes: 1e6 }),
    served('colours', { imageAddresses: 'none' }),
    served('colours'),
  ]);
  const { json } = await ask(any, scoring(at('/image.png'), at('/moved'), base64(image)));
  assert.deepEqual(json[0], json[2]);
  assert.deepEqual(json[1], json[2]);
  for (const [instance, path, message] of [
    [any, '/none.png', /gave no image: it answered 404/],
    [any, '/loop', /leads on and on/],
    [any, '/large', /larger than 1000000 bytes/],
    [none, '/image.png', /takes images in the request only/],
    [open, '/image.png', /public internet only/],
  ] as const) {
    const { status, json: refused } = await ask(instance, scoring(at(path)));
    assert.equal(status, 400);
    assert.match(refused.error.message, message);
  }
  await Promise.all([any.drain(), none.drain(), open.drain()]);
  files.close();
});

test('an instance that cannot start says why', async () => {
  await assert.rejects(served(join(work, 'none')), /the file is not there/);
  await assert.rejects(
    served('colours', { maxQueueWaitMs: -1, port: 70_000 }),
    /port should be .*; maxQueueWaitMs should/,
  );
  await assert.rejects(served('colours', { colour: 'red' } as object), /"colour" is no option; there are model/);
  const taken = await served('colours');
  assert.ok('port' in taken.address);
  await assert.rejects(served('colours', { port: taken.address.port }), /EADDRINUSE/);
  await taken.drain();
});

test('an instance listens at a socket, also at one that a killed process left', async () => {
  const socket = join(work, 'instance.sock');
  await writeFile(socket, '');
  const instance = await served('colours', { socket });
  assert.equal((await ask(instance)).status, 200);
  await instance.drain();
});
