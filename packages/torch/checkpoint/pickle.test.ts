import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CheckpointError } from './checkpoint-error.ts';
import { PickleFunction, unpickle } from './pickle.ts';
import { pthHost } from './pth-host.ts';

const text = (value: string) => Buffer.concat([Buffer.from([0x8c, Buffer.byteLength(value)]), Buffer.from(value)]);
const uint32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer);
const name = (module: string, global: string) => Buffer.from(`c${module}\n${global}\n`);
const LATIN = (opcodes: string) => Buffer.from(opcodes, 'latin1');
const STOP = LATIN('.');

const host = (length = 1000) => pthHost('x.pth', length, (id) => ({ kind: 'storage', id }));

const read = (...parts: Uint8Array[]) => {
  const bytes = Buffer.concat([...parts, STOP]);
  const own = host(bytes.length);
  const { value } = unpickle(bytes, 0, own);
  own.check();
  return value;
};

test('numbers: small, negative, wide, and wider than a double', () => {
  assert.equal(read(LATIN('K\xff')), 255);
  assert.equal(read(LATIN('M\x01\x02')), 513);
  assert.equal(read(LATIN('J\xfe\xff\xff\xff')), -2);
  assert.equal(read(LATIN('\x8a\x00')), 0);
  assert.equal(read(LATIN('\x8a\x01\xff')), -1);
  assert.equal(read(LATIN('\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80')), -(2n ** 63n));
  assert.equal(read(LATIN('\x8b\x02\x00\x00\x00\x00\x80')), -32768);
  assert.equal(read(LATIN('I1099511627776\n')), 2 ** 40);
  assert.equal(read(LATIN('I01\n')), true);
  assert.equal(read(LATIN('G\x3f\xf8\x00\x00\x00\x00\x00\x00')), 1.5);
});

test('strings of Python 3 are UTF-8, those of Python 2 bytes', () => {
  assert.equal(read(text('é')), 'é');
  assert.equal(read(LATIN('U\x01\xe9')), 'é');
  assert.equal(read(LATIN('T\x01\x00\x00\x00\xe9')), 'é');
  assert.deepEqual(read(LATIN('C\x02\x01\x02')), Buffer.from([1, 2]));
  assert.throws(() => read(LATIN('\x8c\x01\xff')), /byte 2: a string is not UTF-8/);
});

test('containers nest, share and contain themselves', () => {
  assert.deepEqual(read(LATIN('(K\x01K\x02l')), [1, 2]);
  assert.deepEqual(read(LATIN('(K\x01K\x02d')), new Map([[1, 2]]));
  assert.deepEqual(read(LATIN('(K\x01\x91')), new Set([1]));
  assert.deepEqual(read(LATIN('\x8f(K\x01K\x01\x90')), new Set([1]));
  assert.deepEqual(read(LATIN('K\x00K\x01K\x02K\x03\x87\x86')), [0, [1, 2, 3]]);
  const [a, b] = read(LATIN(']2\x86')) as [unknown[], unknown[]];
  assert.equal(a, b);
  const cycle = read(LATIN(']q\x00h\x00a')) as unknown[];
  assert.equal(cycle[0], cycle);
});

test('tuples cannot be changed, also not by the pickle', () => {
  assert.ok(Object.isFrozen(read(LATIN('K\x01\x85'))));
  assert.throws(() => read(LATIN('K\x01\x85K\x02a')), /not a list/);
});

test('every name outside of the list is refused, by each way of naming it', () => {
  for (const parts of [
    [name('os', 'system')],
    [text('os'), text('system'), LATIN('\x93')],
    [name('builtins', 'eval')],
    [name('builtins', 'getattr')],
    [name('torch.nn.modules.linear', 'Linear')],
    [name('torch', 'load')],
    [name('torch._utils', '_rebuild_tensor_v2.__globals__')],
    [name('collections.OrderedDict', '__init__')],
    [name('', '')],
    [name('constructor', 'constructor')],
  ]) {
    assert.throws(
      () => read(...parts),
      (error) =>
        error instanceof CheckpointError &&
        error.code === 'refused' &&
        /code from checkpoints never runs/.test(error.message),
    );
  }
});

test('opcodes that checkpoints never use are refused by number', () => {
  for (const opcode of [0x69, 0x6f, 0x82, 0x83, 0x84, 0x50, 0x46, 0x53, 0x56, 0x4c, 0x97, 0x98, 0xff]) {
    assert.throws(() => read(Buffer.from([opcode, 0x0a, 0x0a])), /opcode 0x.. is not one that checkpoints use/);
  }
  assert.throws(() => read(LATIN('\x80\x06')), /protocol 6; 2 to 5 are read/);
});

test('only what the host offers is called, with arguments that it checks', () => {
  assert.throws(() => read(LATIN(']q\x00)R')), /something that is not a function is called/);
  assert.throws(() => read(name('torch', 'float32'), LATIN(')R')), /not a function/);
  assert.throws(() => read(name('torch.nn.parameter', 'Parameter'), LATIN(')\x81')), /not a function/);
  assert.throws(() => read(name('collections', 'OrderedDict'), LATIN('K\x01R')), /arguments are not a tuple/);
  assert.throws(
    () => read(name('collections', 'OrderedDict'), LATIN('K\x01\x85R')),
    /OrderedDict is not made of pairs/,
  );
  assert.throws(() => read(LATIN(']}b')), /sets the state of something that has none/);
  const call = new PickleFunction('f', (args) => args.length);
  assert.equal(unpickle(LATIN('c\n\nK\x01\x85}\x92.'), 0, { ...host(), global: () => call }).value, 1);
  assert.throws(
    () => unpickle(LATIN('c\n\n)}K\x01K\x01s\x92.'), 0, { ...host(), global: () => call }),
    /keyword arguments/,
  );
});

test('numpy numbers of each width and byte order', () => {
  const dtype = (code: string, order: string) => [
    name('numpy', 'dtype'),
    text(code),
    LATIN('\x85R(K\x03'),
    text(order),
    LATIN('tb'),
  ];
  const scalar = (code: string, order: string, bytes: string) =>
    read(
      name('numpy.core.multiarray', 'scalar'),
      ...dtype(code, order),
      LATIN(`C${String.fromCharCode(bytes.length)}${bytes}\x86R`),
    );
  assert.equal(scalar('f8', '<', '\0\0\0\0\0\0\xf8\x3f'), 1.5);
  assert.equal(scalar('f4', '>', '\x3f\xc0\0\0'), 1.5);
  assert.equal(scalar('f2', '<', '\0\x3e'), 1.5);
  assert.equal(scalar('i8', '<', '\xff\xff\xff\xff\xff\xff\xff\xff'), -1);
  assert.equal(scalar('u8', '<', '\xff\xff\xff\xff\xff\xff\xff\xff'), 2n ** 64n - 1n);
  assert.equal(scalar('b1', '|', '\x01'), true);
  assert.throws(() => scalar('f8', '<', '\0'), /a numpy f8 has 1 bytes/);
  assert.throws(() => scalar('O8', '|', '\0'), /numpy value of type "O8"/);
});

test('a pickle that ends early says where, and what it still needed', () => {
  assert.throws(
    () => unpickle(LATIN('\x80\x02X\xff\xff\xff\x7f'), 0, host()),
    (error) =>
      error instanceof CheckpointError &&
      error.code === 'truncated' &&
      /byte 7: needs 2,147,483,647 more bytes, found 0/.test(error.message),
  );
  assert.throws(() => unpickle(LATIN('cos'), 0, host()), /a line has no end/);
  assert.throws(() => unpickle(LATIN('.'), 0, host()), /a value is missing on the stack/);
  assert.throws(() => unpickle(LATIN('NN.'), 0, host()), /values are left over/);
  assert.throws(() => unpickle(LATIN('N(0'), 0, host()), /a value is missing/);
  assert.throws(() => unpickle(LATIN('Nt'), 0, host()), /a mark is missing/);
  assert.throws(() => unpickle(LATIN('h\x07'), 0, host()), /value 7 is used before/);
  assert.throws(() => unpickle(LATIN('}(N'), 0, host()), /needs 1 more/);
  assert.throws(() => unpickle(LATIN('}(Nu'), 0, host()), /a key has no value/);
});

test('small files that ask for much get little', () => {
  // A memo index of four thousand million takes one place, not that many.
  assert.equal(read(LATIN('Nr\xff\xff\xff\xffj\xff\xff\xff\xff0')), null);
  // An integer of a million bytes would take quadratic time.
  assert.throws(() => read(LATIN('\x8b'), uint32(1e6), Buffer.alloc(1e6, 1)), /an integer of 1000000 bytes/);
  // A million levels of lists are built without recursion.
  assert.ok(Array.isArray(read(Buffer.alloc(1e6, ']'), Buffer.alloc(1e6 - 1, 'a'))));
  // One list of 10,000 items, copied again and again.
  const list = [LATIN(']('), Buffer.alloc(20_000, 'K\x01'), LATIN('eq\x00')];
  const copies = Array.from({ length: 100 }, () => Buffer.concat([name('builtins', 'set'), LATIN('h\x00\x85R0')]));
  assert.throws(() => read(...list, ...copies), /copies the same values over and over/);
  // Integers beyond 2^53 as keys can be chosen so that a Map looks at each of them for each.
  assert.throws(() => read(LATIN('}\x8a\x08\0\0\0\0\0\0\0\x7fNs')), /an integer over 2\^53 is a key/);
});

test('any bytes end in a value or a CheckpointError', () => {
  const opcode = fc.constantFrom(
    ...LATIN(
      '\x80\x95N\x88\x89KMJ\x8a\x8bIGX\x8c\x8dTUBC\x8e\x96()\x85\x86\x87t]lae}dsu\x8f\x90\x91012qr\x94hjc\x93QR\x81\x92b.',
    ),
  );
  const pieces = fc.oneof(
    opcode.map((code) => Buffer.from([code])),
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom(
      name('collections', 'OrderedDict'),
      name('torch._utils', '_rebuild_tensor_v2'),
      name('torch', 'FloatStorage'),
      name('_codecs', 'encode'),
      name('torch', 'device'),
      name('numpy', 'dtype'),
      name('torch.nn.parameter', 'Parameter'),
      name('torch._tensor', '_rebuild_from_type_v2'),
      name('torch._utils', '_rebuild_parameter'),
      name('builtins', 'set'),
      text('latin1'),
      LATIN('K\x01'),
      LATIN(')R'),
      LATIN('(t'),
    ),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      try {
        read(...parts);
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
});
