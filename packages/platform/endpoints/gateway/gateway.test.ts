import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import {
  ask,
  endpointOf,
  FakeDeployment,
  fakeInstance,
  fine,
  gatewayFor,
  json,
  opened,
  scoring,
  shop,
  until,
  whole,
} from '../../fixtures/asked-gateway.ts';

const body = scoring('AAAA');

describe('what goes through', () => {
  test('an instance gets the body and what says what it is, and the client its answer', async (t) => {
    const { instance, blue, gateway } = await shop(t);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const headers = {
      ...{ 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'r-1', 'x-ms-client-request-id': 'c-1' },
      ...{ cookie: 'secret', te: 'trailers', 'x-forwarded-for': '10.0.0.1', connection: 'keep-alive' },
    };
    const answer = await ask(gateway, { body, headers, agent });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, [{ probs: [1], labels: ['a'] }]);
    assert.equal(answer.headers['azureml-model-deployment'], 'blue');
    assert.equal(answer.headers['x-request-id'], 'r-1');
    assert.equal(answer.headers['x-ms-client-request-id'], 'c-1');
    const [got] = instance.got;
    assert.equal(got.body, body);
    assert.equal(`${got.method} ${got.url}`, 'POST /score');
    assert.deepEqual(
      { ...got.headers, connection: undefined, host: undefined },
      {
        ...{ 'content-type': headers['content-type'], 'content-length': String(body.length) },
        ...{ 'x-request-id': 'r-1', 'x-ms-client-request-id': 'c-1', connection: undefined, host: undefined },
      },
    );
    // Names that could not be written into a log as they are, are replaced.
    const odd = await ask(gateway, { body, headers: { 'x-request-id': 'a"b' }, agent });
    assert.match(String(odd.headers['x-request-id']), /^[\w-]{36}$/);
    assert.equal(instance.connections(), 1);
    assert.equal(blue.busy.get('a'), 0);
  });

  test('in pieces, chunked, as HTTP/1.0, and after asking whether it may be sent', async (t) => {
    const { instance, gateway } = await shop(t);
    const head = 'POST /shop/score HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: bearer right\r\n';
    const chunked = await opened(gateway);
    chunked.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    for (const byte of body.repeat(20)) chunked.write(`1\r\n${byte}\r\n`);
    chunked.write('0\r\n\r\n');
    assert.match(await whole(chunked), /^HTTP\/1\.1 200 OK/);
    assert.equal(instance.got[0].body, body.repeat(20));

    const old = await opened(gateway);
    old.write(
      `POST /shop/score HTTP/1.0\r\nauthorization: Bearer right\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    assert.match(await whole(old), /^HTTP\/1\.1 200 OK[\s\S]*connection: close/i);

    const polite = await opened(gateway);
    polite.write(`${head}expect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`);
    polite.once('data', (told) => {
      assert.equal(String(told), 'HTTP/1.1 100 Continue\r\n\r\n');
      polite.write(body);
    });
    assert.match(await whole(polite), /HTTP\/1\.1 200 OK/);
    const refused = await opened(gateway);
    refused.write(
      `${head.replace('right', 'wrong').replace('connection: close\r\n', '')}expect: 100-continue\r\ncontent-length: 5\r\n\r\n`,
    );
    assert.match(await whole(refused), /^HTTP\/1\.1 401 Unauthorized[\s\S]*connection: close/i);
  });

  test('by the name of the host, with whatever capitals', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const gateway = await gatewayFor(t, [endpointOf('Shop', [new FakeDeployment('blue', instance)])]);
    const byHost = await ask(gateway, { path: '/score', body, headers: { host: 'shop.localhost:7041' } });
    assert.equal(byHost.status, 200);
    const other = await ask(gateway, { path: '/score', body, headers: { host: 'till.localhost' } });
    assert.deepEqual([other.status, other.json.error.code], [404, 'EndpointNotFound']);
  });

  test('large answers come as they are written, and bodies of many megabytes go', async (t) => {
    const large = 'b'.repeat(10 * 2 ** 20);
    const { instance, blue, gateway } = await shop(t, (_, response) => json(response, 200, [large]));
    blue.maxRequestBytes = 20 * 2 ** 20;
    const sent = scoring('c'.repeat(12 * 2 ** 20));
    const { status, text } = await ask(gateway, { body: sent });
    assert.equal(status, 200);
    assert.equal(text, `["${large}"]`);
    assert.equal(instance.got[0].body, sent);
    await until(() => blue.busy.get('a') === 0);
  });

  test('what is said of health, and of the interface', async (t) => {
    const document = { swagger: '2.0', info: { title: 'resnet', version: '1.0' }, paths: { '/score': {} } };
    const { instance, blue, gateway } = await shop(t, ({ url }, response) =>
      url === '/swagger.json'
        ? json(response, 200, document)
        : json(response, 200, { ...document, swagger: undefined, openapi: '3.0.3' }),
    );
    assert.equal((await ask(gateway, { path: '/healthz', key: null })).text, 'ok');
    assert.equal((await ask(gateway, { path: '/shop/' })).text, 'Healthy');
    const { json: swagger } = await ask(gateway, { path: '/shop/swagger.json' });
    assert.deepEqual(swagger, {
      ...{ swagger: '2.0', info: { title: 'shop', version: '1.0' }, paths: { '/score': {} } },
      ...{ host: `localhost:${gateway.port}`, basePath: '/shop', schemes: ['http'], security: [{ Bearer: [] }] },
    });
    const { json: openapi } = await ask(gateway, { path: '/shop/swagger.json?version=3' });
    assert.deepEqual(openapi.servers, [{ url: `${gateway.url}/shop` }]);
    assert.equal(instance.got[1].url, '/swagger.json?version=3');
    assert.equal((await ask(gateway, { path: '/shop/swagger.json?version=4' })).status, 400);
    assert.equal((await ask(gateway, { path: '/shop/swagger.json', key: null })).status, 401);
    const head = await ask(gateway, { path: '/shop/swagger.json', method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    blue.ready.length = 0;
    assert.equal((await ask(gateway, { path: '/shop/' })).status, 503);
    assert.equal((await ask(gateway, { path: '/healthz', key: null })).status, 200);
  });

  test('methods and places that there are not', async (t) => {
    const { gateway } = await shop(t);
    const got = await ask(gateway);
    assert.deepEqual([got.status, got.json.error.code, got.headers.allow], [405, 'MethodNotAllowed', 'POST']);
    assert.equal((await ask(gateway, { path: '/shop/', method: 'DELETE' })).headers.allow, 'GET, HEAD');
    assert.equal((await ask(gateway, { path: '/healthz', body })).status, 405);
    for (const path of ['/', '/till/score', '/shop/health/live', '/shop/metrics', '/shop/score/x']) {
      const { status, json: told } = await ask(gateway, { path, body });
      assert.equal(status, 404, path);
      assert.match(told.error.code, /NotFound$/);
    }
  });
});

describe('who may ask', () => {
  test('with both keys, and no others', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const deployments = [new FakeDeployment('blue', instance)];
    const gateway = await gatewayFor(t, [
      endpointOf('shop', deployments),
      endpointOf('till', deployments, { keys: ['till-key'] }),
    ]);
    for (const key of ['right', 'also-right']) assert.equal((await ask(gateway, { body, key })).status, 200);
    for (const key of ['', 'righ', 'right1', 'Right', 'till-key', 'workspace-token', 'token-of-shop', null]) {
      const { status, json: told, headers } = await ask(gateway, { body, key });
      assert.deepEqual(
        [status, told.error.code, headers['www-authenticate']],
        [401, 'Unauthorized', 'Bearer'],
        `${key}`,
      );
      assert.match(told.error.message, /get-credentials --name shop/);
    }
    const basic = await ask(gateway, { body, key: null, headers: { authorization: 'Basic cmlnaHQ=' } });
    assert.equal(basic.status, 401);
    assert.equal(instance.got.length, 2);
    assert.doesNotMatch(JSON.stringify(gateway.log), /right|till-key|AAAA/);
  });

  test('with tokens of the endpoint, and of the workspace', async (t) => {
    const deployments = [new FakeDeployment('blue', await fakeInstance(t, 'a'))];
    const verifyToken = async (token: string) => {
      if (token === 'database-is-away') throw new Error('no database');
      return token === 'workspace-token';
    };
    const gateway = await gatewayFor(
      t,
      [
        endpointOf('shop', deployments, { authMode: 'aml_token' }),
        endpointOf('till', deployments, { authMode: 'aad_token' }),
      ],
      { verifyToken },
    );
    const status = async (path: string, key: string) => (await ask(gateway, { body, path, key })).status;
    assert.equal(await status('/shop/score', 'token-of-shop'), 200);
    assert.equal(await status('/till/score', 'workspace-token'), 200);
    for (const key of ['right', 'token-of-till', 'workspace-token'])
      assert.equal(await status('/shop/score', key), 401);
    for (const key of ['right', 'token-of-till']) assert.equal(await status('/till/score', key), 401);
    assert.equal(await status('/till/score', 'database-is-away'), 503);
  });

  test('this machine alone, where others are not let in', async (t) => {
    const deployments = [new FakeDeployment('blue', await fakeInstance(t, 'a'))];
    const endpoints = [endpointOf('shop', deployments, { loopbackOnly: true }), endpointOf('till', deployments)];
    const gateway = await gatewayFor(t, endpoints, { host: '0.0.0.0' });
    assert.equal((await ask(gateway, { body })).status, 200);
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses)
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (!outside) {
      t.diagnostic('this machine has no address but its own: that others are sent away is not tested');
      return;
    }
    const asOther = { port: gateway.port, host: outside.address };
    for (const key of ['right', 'wrong']) {
      const { status, json: told } = await ask(asOther, { body, key });
      assert.deepEqual([status, told.error.code], [403, 'Forbidden']);
    }
    assert.equal((await ask(asOther, { path: '/till/score', body })).status, 200);
    assert.equal((await ask(asOther, { path: '/metrics', key: null })).status, 401);
  });
});

describe('which deployment answers', () => {
  test('as its share of traffic is; the one that is named; none that is not there', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const [blue, green] = ['blue', 'green'].map((name) => new FakeDeployment(name, instance));
    let drawn = 0;
    let traffic = [
      { deployment: 'blue', percent: 70 },
      { deployment: 'green', percent: 30 },
    ];
    const gateway = await gatewayFor(t, () => [endpointOf('shop', [blue, green], { traffic })], {
      random: () => drawn,
    });
    const who = async (headers = {}) => {
      const { status, headers: answered } = await ask(gateway, { body, headers });
      return status === 200 ? answered['azureml-model-deployment'] : status;
    };
    for (const [random, expected] of [
      ...([
        [0, 'blue'],
        [0.699, 'blue'],
        [0.7, 'green'],
        [0.9999999999999999, 'green'],
      ] as const),
    ]) {
      drawn = random;
      assert.equal(await who(), expected);
    }
    assert.equal(await who({ 'azureml-model-deployment': 'blue' }), 'blue');
    const unknown = await ask(gateway, { body, headers: { 'azureml-model-deployment': 'red"<' } });
    assert.deepEqual([unknown.status, unknown.json.error.code], [404, 'DeploymentNotFound']);
    traffic = [];
    const none = await ask(gateway, { body });
    assert.deepEqual([none.status, none.json.error.code], [404, 'NoTraffic']);
    assert.match(none.json.error.message, /fovea online-endpoint update --name shop --traffic/);
    assert.equal(await who({ 'azureml-model-deployment': 'green' }), 'green');
    traffic = [{ deployment: 'red', percent: 100 }];
    assert.equal(await who(), 503);
  });

  test('another one, when it has lost its traffic and gone before the request has come whole', async (t) => {
    const instance = await fakeInstance(t, 'a');
    const [blue, green] = ['blue', 'green'].map((name) => new FakeDeployment(name, instance));
    const all = (deployment: string) => ({ traffic: [{ deployment, percent: 100 }] });
    let now = endpointOf('shop', [blue, green], all('blue'));
    const gateway = await gatewayFor(t, () => [now]);
    const head = 'POST /shop/score HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: bearer right\r\n';
    const slow = await opened(gateway);
    slow.write(`${head}expect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`);
    await once(slow, 'data');
    now = endpointOf('shop', [green], all('green'));
    slow.write(body);
    assert.match(await whole(slow), /HTTP\/1\.1 200 OK[\s\S]*azureml-model-deployment: green/i);
  });

  test('the instance that has the least to do', async (t) => {
    const waiting: (() => void)[] = [];
    const slow: typeof fine = (got, response, request) => void waiting.push(() => fine(got, response, request));
    const instances = [await fakeInstance(t, 'a', slow), await fakeInstance(t, 'b', slow)];
    const gateway = await gatewayFor(t, [endpointOf('shop', [new FakeDeployment('blue', ...instances)])]);
    const asked = Array.from({ length: 6 }, () => ask(gateway, { body }));
    await until(() => waiting.length === 6);
    assert.deepEqual(
      instances.map(({ got }) => got.length),
      [3, 3],
    );
    for (const answer of waiting) answer();
    assert.ok((await Promise.all(asked)).every(({ status }) => status === 200));
  });
});

test('metrics: of the gateway and of the instances, for this machine or with a token', async (t) => {
  const told = '# HELP fovea_instance_ready 1\n# TYPE fovea_instance_ready gauge\nfovea_instance_ready 1\n';
  const { blue, gateway } = await shop(t, fine, told);
  blue.restarted = 3;
  await ask(gateway, { body });
  await ask(gateway, { body, key: 'wrong' });
  await ask(gateway, { path: '/nowhere/score', body });
  const { text, headers } = await ask(gateway, { path: '/metrics', key: null });
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  for (const line of [
    'fovea_gateway_requests_total{endpoint="shop",deployment="blue",status="200"} 1',
    'fovea_gateway_requests_total{endpoint="shop",deployment="",status="401"} 1',
    'fovea_gateway_requests_total{endpoint="",deployment="",status="404"} 1',
    'fovea_gateway_score_seconds_count{endpoint="shop",deployment="blue"} 1',
    'fovea_gateway_instances{endpoint="shop",deployment="blue",ready="true"} 1',
    'fovea_gateway_instances{endpoint="shop",deployment="blue",ready="false"} 0',
    'fovea_gateway_instance_restarts_total{endpoint="shop",deployment="blue"} 3',
    'fovea_instance_ready{endpoint="shop",deployment="blue",instance="0"} 1',
  ])
    assert.ok(text.split('\n').includes(line), line);
  const status = async (key: string | null) =>
    (await ask(gateway, { path: '/metrics', key, headers: { host: 'evil.example' } })).status;
  assert.deepEqual([await status(null), await status('right'), await status('workspace-token')], [401, 401, 200]);
  // Instances that do not answer are left out.
  blue.ready.push({ id: 'gone', socket: '/nonexistent/instance.sock' });
  assert.equal((await ask(gateway, { path: '/metrics', key: null })).status, 200);
});

test('metrics tell nothing more of what is deleted', async (t) => {
  const instance = await fakeInstance(t, 'a');
  const [blue, green] = ['blue', 'green'].map((name) => new FakeDeployment(name, instance));
  let endpoints = [endpointOf('shop', [blue, green]), endpointOf('till', [blue])];
  const gateway = await gatewayFor(t, () => endpoints);
  for (const deployment of ['blue', 'green'])
    await ask(gateway, { body, headers: { 'azureml-model-deployment': deployment } });
  await ask(gateway, { body, path: '/till/score' });
  await ask(gateway, { body, key: 'wrong' });
  await ask(gateway, { body, path: '/nowhere/score' });
  const told = async () => {
    const { text } = await ask(gateway, { path: '/metrics', key: null });
    return [...text.matchAll(/^fovea_gateway_(?:requests_total|score_seconds_count)\{(.*)\} 1$/gm)].map(
      ([, labels]) => labels,
    );
  };
  const left = ['endpoint="shop",deployment="",status="401"', 'endpoint="",deployment="",status="404"'];
  const of = (endpoint: string, deployment: string) => {
    const labels = `endpoint="${endpoint}",deployment="${deployment}"`;
    return [`${labels},status="200"`, labels];
  };
  const first = await told();
  assert.deepEqual(
    first.sort(),
    [...left, ...of('shop', 'blue'), ...of('shop', 'green'), ...of('till', 'blue')].sort(),
  );
  endpoints = [endpointOf('shop', [green])];
  assert.deepEqual(
    (await told()).filter((labels) => !labels.includes('"",deployment="",status="200"')).sort(),
    [...left, ...of('shop', 'green')].sort(),
  );
});

test('a line for each request says who was asked and what came of it', async (t) => {
  const { gateway } = await shop(t);
  await ask(gateway, { body, headers: { 'x-request-id': 'r-2', 'x-ms-client-request-id': 'c-2' } });
  await until(() => gateway.log.length > 0);
  const [{ time, pid, hostname, ms, ...line }] = gateway.log;
  assert.equal(typeof ms, 'number');
  assert.deepEqual(line, {
    ...{ level: 30, id: 'r-2', client: 'c-2', method: 'POST', endpoint: 'shop', deployment: 'blue', status: 200 },
    ...{ bytes: body.length, instance: 'a', tries: 1, msg: 'request' },
  });
});
