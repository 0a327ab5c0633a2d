import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestTarget } from './request-target.ts';

test('endpoints stand below the gateway, by their names', () => {
  const query = '';
  assert.deepEqual(requestTarget('/shop/score', 'localhost:7041'), { kind: 'score', endpoint: 'shop', query });
  assert.deepEqual(requestTarget('/My-Shop2/swagger.json?version=3', undefined), {
    ...{ kind: 'swagger', endpoint: 'My-Shop2', query: 'version=3' },
  });
  assert.deepEqual(requestTarget('/shop/', 'x'), { kind: 'state', endpoint: 'shop', query });
  assert.deepEqual(requestTarget('/shop', 'x'), { kind: 'state', endpoint: 'shop', query });
  assert.deepEqual(requestTarget('/score', 'x'), { kind: 'state', endpoint: 'score', query });
  assert.deepEqual(requestTarget('/healthz', 'x'), { kind: 'health' });
  assert.deepEqual(requestTarget('/metrics?a', 'x'), { kind: 'metrics' });
});

test('or by the name of the host', () => {
  for (const host of ['shop.localhost', 'shop.localhost:7041', 'shop.localhost.lan:80'])
    assert.deepEqual(requestTarget('/score?a=b', host), { kind: 'score', endpoint: 'shop', query: 'a=b' });
  assert.deepEqual(requestTarget('/', 'shop.localhost'), { kind: 'state', endpoint: 'shop', query: '' });
  assert.deepEqual(requestTarget('http://shop.localhost/swagger.json', 'other'), {
    ...{ kind: 'swagger', endpoint: 'shop', query: '' },
  });
  assert.deepEqual(requestTarget('/till/score', 'shop.localhost'), { kind: 'score', endpoint: 'till', query: '' });
  assert.equal(requestTarget('/', 'localhost'), null);
  assert.equal(requestTarget('/', undefined), null);
});

test('what leads nowhere', () => {
  for (const url of [
    ...['', '*', 'shop/score', '//shop/score', '/shop//score', '/shop/score/', '/shop/Score', '/../shop/score'],
    ...['/%2e%2e/', '/sh%6fp/score', '/shop/score%00', '/shop\0/score', '/1shop/score', '/shop.x/score', '/shop_x/'],
    ...['/__proto__', '/shop/__proto__', '/shop;a/score', `/${'a'.repeat(65)}/score`, `/${'a/'.repeat(5000)}`],
    ...['/shop/health/live', '/shop/metrics', 'ftp://localhost/shop/score'],
  ])
    assert.equal(requestTarget(url, 'localhost'), null, url);
});
