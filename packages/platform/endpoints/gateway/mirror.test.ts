import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  fine,
  gatewayFor,
  scoring,
  until,
} from '../../fixtures/asked-gateway.ts';

const body = scoring('AAAA');

describe('mirrors', () => {
  async function mirrored(t: TestContext, handler = fine, limits = {}) {
    const [live, shadow] = [await fakeInstance(t, 'live'), await fakeInstance(t, 'shadow', handler)];
    const blue = new FakeDeployment('blue', live);
    const green = new FakeDeployment('green', shadow);
    let drawn = 0;
    const mirror = { deployment: 'green', percent: 20 };
    const gateway = await gatewayFor(t, [endpointOf('shop', [blue, green], { mirror })], {
      random: () => drawn,
      limits,
    });
    const counted = async (outcome: string) => {
      const { text } = await ask(gateway, { path: '/metrics', key: null });
      const line = `fovea_gateway_mirrored_total{endpoint="shop",deployment="green",outcome="${outcome}"} `;
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.slice(line.length) ?? 0,
      );
    };
    const draw = (next: number) => {
      drawn = next;
    };
    return { gateway, green, shadow, counted, draw };
  }

  test('get a copy of some requests, and none of those that name a deployment', async (t) => {
    const { gateway, green, shadow, counted, draw } = await mirrored(t);
    for (const [random, headers] of [
      [0.199, {}],
      [0.2, {}],
      [0.1, { 'azureml-model-deployment': 'blue' }],
    ] as const) {
      draw(random);
      const { status, headers: answered } = await ask(gateway, { body, headers });
      assert.deepEqual([status, answered['azureml-model-deployment']], [200, 'blue']);
    }
    await until(async () => (await counted('200')) === 1);
    assert.deepEqual(
      shadow.got.map((got) => got.body),
      [body],
    );
    draw(0);
    const { headers } = await ask(gateway, { body, headers: { 'azureml-model-deployment': 'green' } });
    assert.equal(headers['azureml-model-deployment'], 'green');
    assert.equal(shadow.got.length, 2);
    green.maxRequestBytes = 5;
    assert.equal((await ask(gateway, { body })).status, 200);
    await until(async () => (await counted('dropped')) === 1);
  });

  test('that fail, hang or are too slow change nothing', async (t) => {
    let held: (() => void)[] = [];
    const { gateway, green, shadow, counted } = await mirrored(
      t,
      (got, response, request) => void held.push(() => fine(got, response, request)),
      { maxMirrored: 2 },
    );
    for (let i = 0; i < 4; i++) assert.equal((await ask(gateway, { body })).status, 200);
    await until(() => held.length === 2);
    await until(async () => (await counted('dropped')) === 2);
    for (const answer of held) answer();
    held = [];
    await until(async () => (await counted('200')) === 2);
    green.requestTimeoutMs = 20;
    assert.equal((await ask(gateway, { body })).status, 200);
    await until(async () => (await counted('408')) === 1);
    green.requestTimeoutMs = 20_000;
    await shadow.die();
    assert.equal((await ask(gateway, { body })).status, 200);
    await until(async () => (await counted('503')) === 1);
    const { text } = await ask(gateway, { path: '/metrics', key: null });
    assert.match(text, /^fovea_gateway_request_bytes_held 0$/m);
  });
});
