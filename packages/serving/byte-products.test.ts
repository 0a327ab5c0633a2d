import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteProductsOverflow } from './byte-products.ts';

const withFlags = (flags: string) => () => `processor\t: 0\nmodel name\t: Example\nflags\t\t: fpu ${flags} sse2\n`;

test('products of bytes overflow on x86 processors without VNNI alone', () => {
  assert.equal(byteProductsOverflow('x64', withFlags('avx2 avx512f')), true);
  assert.equal(byteProductsOverflow('x64', withFlags('avx2 avx512f avx512_vnni')), false);
  assert.equal(byteProductsOverflow('x64', withFlags('avx2 avx_vnni')), false);
  assert.equal(byteProductsOverflow('arm64', withFlags('')), false);
});

test('exactness is asked for where nothing is known', () => {
  const missing = () => {
    throw new Error('ENOENT');
  };
  assert.equal(byteProductsOverflow('x64', missing), true);
});
