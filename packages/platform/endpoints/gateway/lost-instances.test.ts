import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  type fine,
  gatewayFor,
  json,
  scoring,
  shop,
  until,
} from '../../fixtures/asked-gateway.ts';

const body = scoring('AAAA');

describe('what instances do wrong', () => {
  test("their refusals are the client's; their failures are the model's", async (t) => {
    const { gateway } = await shop(t, ({ body: status }, response) =>
      json(
        response,
        Number(status),
        { error: { code: 'X', message: `it was ${status}\r\nä` } },
        { 'retry-after': '7' },
      ),
    );
    for (const status of [400, 408, 413, 415, 429]) {
      const answer = await ask(gateway, { body: String(status) });
      assert.equal(answer.status, status);
      assert.equal(answer.json.error.code, 'X');
      assert.equal(answer.headers['retry-after'], '7');
      assert.equal(answer.headers['ms-azureml-model-error-statuscode'], undefined);
    }
    for (const status of [500, 501, 503, 599, 302]) {
      const { status: told, headers, json: text } = await ask(gateway, { body: String(status) });
      assert.equal(told, 424);
      assert.equal(headers['ms-azureml-model-error-statuscode'], String(status));
      assert.equal(headers['ms-azureml-model-error-reason'], `it was ${status}`);
      assert.equal(text.error.code, 'X');
    }
  });

  test('another one answers when one is gone, or ends before it has answered; two are asked at most', async (t) => {
    const dying: typeof fine = (_, response) => void response.socket?.destroy();
    /** Ends when half of its answer is written. */
    const halting: typeof fine = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('[{', () => response.socket?.destroy());
    };
    const gone = { id: 'gone', socket: '/nonexistent/instance.sock' };
    const good = await fakeInstance(t, 'good');
    for (const [handler, id] of [
      [dying, 'dying'],
      [halting, 'halting'],
    ] as const) {
      const bad = await fakeInstance(t, id, handler);
      for (const first of [gone, bad]) {
        const blue = new FakeDeployment('blue', first, good);
        const gateway = await gatewayFor(t, [endpointOf('shop', [blue])]);
        const before = good.got.length;
        assert.equal((await ask(gateway, { body })).status, 200);
        assert.equal(good.got.length, before + 1);
        assert.equal(good.got[before].body, body);
        await until(() => [...blue.busy.values()].every((count) => count === 0));
        const { text } = await ask(gateway, { path: '/metrics', key: null });
        assert.match(text, /^fovea_gateway_retried_total\{endpoint="shop",deployment="blue"\} 1$/m);
      }
      const blue = new FakeDeployment('blue', bad, gone, good);
      const gateway = await gatewayFor(t, [endpointOf('shop', [blue])]);
      const before = good.got.length;
      const { status, headers, json: told } = await ask(gateway, { body });
      assert.deepEqual([status, headers['retry-after'], told.error.code], [503, '1', 'ServiceUnavailable']);
      assert.match(told.error.message, /get-logs --name blue --endpoint-name shop/);
      assert.equal(good.got.length, before);
    }
  });

  test('a connection that was closed because nobody used it costs nothing, though there is no other instance', async (t) => {
    const { instance, blue, gateway } = await shop(t);
    assert.equal((await ask(gateway, { body })).status, 200);
    // The next request comes over the same connection, at whose end nobody reads any more.
    let closed = 0;
    instance.server.prependOnceListener('request', (request) => {
      closed++;
      request.socket.destroy();
    });
    assert.equal((await ask(gateway, { body })).status, 200);
    assert.deepEqual([closed, instance.connections(), blue.busy.get('a')], [1, 2, 0]);
  });

  test('none is ready', async (t) => {
    const gateway = await gatewayFor(t, [endpointOf('shop', [new FakeDeployment('blue')])]);
    const { status, headers } = await ask(gateway, { body });
    assert.deepEqual([status, headers['retry-after']], [503, '1']);
  });

  test('one that hangs has request_timeout_ms, and its work is given up', async (t) => {
    let ended = 0;
    const { blue, gateway } = await shop(t, (_, response) => void response.on('close', () => ended++));
    blue.requestTimeoutMs = 30;
    const { status, json: told } = await ask(gateway, { body });
    assert.deepEqual([status, told.error.code], [408, 'RequestTimeout']);
    assert.match(told.error.message, /request_timeout_ms, 30 ms/);
    await until(() => ended === 1);
    // A large answer that stops in the middle ends the connection: that it is whole was promised.
    const stopping = await shop(t, (_, response) => {
      response.writeHead(200, { 'content-length': 20 * 2 ** 20 });
      response.write('[');
    });
    stopping.blue.requestTimeoutMs = 400;
    await assert.rejects(ask(stopping.gateway, { body }), /aborted|ECONNRESET|socket hang up/);
    await until(() => stopping.blue.busy.get('a') === 0);
  });

  test('a client that goes away takes its request with it', async (t) => {
    let [came, ended] = [0, 0];
    const { blue, gateway } = await shop(t, (_, response) => {
      came++;
      response.on('close', () => ended++);
    });
    const leaving = new AbortController();
    const asked = ask(gateway, { body, signal: leaving.signal });
    asked.catch(() => {});
    await until(() => came === 1);
    leaving.abort();
    await until(() => ended === 1);
    await until(() => gateway.log.some(({ status }) => status === 499));
    await until(() => blue.busy.get('a') === 0);
  });
});
