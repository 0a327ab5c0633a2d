import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicAddress } from './image-url.ts';

test('addresses of the public internet are told from all others', () => {
  for (const address of ['8.8.8.8', '172.32.0.1', '193.0.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])
    assert.ok(isPublicAddress(address), address);
  const others = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'];
  others.push('169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.2.1');
  others.push('::1', '::', '::ffff:127.0.0.1', '::ffff:8.8.8.8', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1');
  others.push('64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', '2001::1', 'localhost', '', '127.1');
  for (const address of others) assert.ok(!isPublicAddress(address), address);
});
