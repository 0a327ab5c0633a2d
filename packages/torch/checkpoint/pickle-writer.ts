/** Opcodes of protocol 2 (CPython, Lib/pickletools.py). */
const OP = {
  proto: 0x80,
  stop: 0x2e,
  mark: 0x28,
  none: 0x4e,
  true: 0x88,
  false: 0x89,
  int1: 0x4b,
  int2: 0x4d,
  int4: 0x4a,
  long1: 0x8a,
  float: 0x47,
  unicode: 0x58,
  emptyList: 0x5d,
  appends: 0x65,
  emptyDict: 0x7d,
  setItems: 0x75,
  emptyTuple: 0x29,
  tuple: 0x74,
  global: 0x63,
  reduce: 0x52,
  persistentId: 0x51,
} as const;

/** A name in a Python module: `module.name`. */
export class PickleGlobal {
  readonly module: string;
  readonly name: string;
  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** What calling a global with these arguments gives. */
export class PickleCall {
  readonly callee: PickleGlobal;
  readonly args: readonly unknown[];
  constructor(callee: PickleGlobal, args: readonly unknown[]) {
    this.callee = callee;
    this.args = args;
  }
}

export class PickleTuple {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** Something that lies outside of the pickle, under this id. */
export class PicklePersistent {
  readonly id: unknown;
  constructor(id: unknown) {
    this.id = id;
  }
}

const ORDERED_DICT = new PickleGlobal('collections', 'OrderedDict');

/** An empty collections.OrderedDict. */
export const emptyOrderedDict = (): PickleCall => new PickleCall(ORDERED_DICT, []);

/** Deeper values are cycles, or nothing that Python would read either. */
const MAX_DEPTH = 200;

/**
 * Writes a value as a Python pickle of protocol 2.
 *
 * Here → Python: null → None, boolean → bool, whole number and bigint → int, other number → float, string → str, array → list,
 * plain object → dict, Map → OrderedDict; and the classes of this file. Values that are the same object are written twice.
 *
 * @param replace is asked for each value first; what it returns is written in its place
 * @throws TypeError naming the place (`a.b[3]`) of a value that has no form in Python, or is nested too deep
 */
export function pickle(value: unknown, replace: (value: unknown) => unknown = (same) => same): Buffer {
  const parts: Buffer[] = [Buffer.of(OP.proto, 2)];
  const emit = (...bytes: number[]) => parts.push(Buffer.from(bytes));

  const writeItems = (items: readonly unknown[], place: string, depth: number) => {
    items.forEach((item, i) => {
      write(item, `${place}[${i}]`, depth + 1);
    });
  };
  const writeEntries = (entries: Iterable<readonly [unknown, unknown]>, place: string, depth: number) => {
    emit(OP.mark);
    for (const [key, item] of entries) {
      if (typeof key !== 'string') throw new TypeError(`${place || 'the value'} has a key that is not a string`);
      write(key, place, depth + 1);
      write(item, place ? `${place}.${key}` : key, depth + 1);
    }
    emit(OP.setItems);
  };
  const writeTuple = (items: readonly unknown[], place: string, depth: number) => {
    if (items.length === 0) {
      emit(OP.emptyTuple);
      return;
    }
    emit(OP.mark);
    writeItems(items, place, depth);
    emit(OP.tuple);
  };
  const writeGlobal = ({ module, name }: PickleGlobal) => {
    emit(OP.global);
    parts.push(Buffer.from(`${module}\n${name}\n`));
  };

  function write(original: unknown, place: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new TypeError(`${place.slice(0, 80)}… is nested more than ${MAX_DEPTH} levels deep`);
    const item = replace(original);
    if (item === null) emit(OP.none);
    else if (item === true) emit(OP.true);
    else if (item === false) emit(OP.false);
    else if (typeof item === 'number') parts.push(number(item));
    else if (typeof item === 'bigint') parts.push(long(item));
    else if (typeof item === 'string') parts.push(text(item));
    else if (Array.isArray(item)) {
      emit(OP.emptyList, OP.mark);
      writeItems(item, place, depth);
      emit(OP.appends);
    } else if (item instanceof Map) {
      write(emptyOrderedDict(), place, depth);
      writeEntries(item, place, depth);
    } else if (item instanceof PickleTuple) writeTuple(item.items, place, depth);
    else if (item instanceof PickleGlobal) writeGlobal(item);
    else if (item instanceof PickleCall) {
      writeGlobal(item.callee);
      writeTuple(item.args, place, depth);
      emit(OP.reduce);
    } else if (item instanceof PicklePersistent) {
      write(item.id, place, depth);
      emit(OP.persistentId);
    } else if (isPlainObject(item)) {
      emit(OP.emptyDict);
      writeEntries(Object.entries(item), place, depth);
    } else throw new TypeError(`${place || 'the value'} is ${describe(item)}, which has no form in Python`);
  }

  write(value, '', 0);
  emit(OP.stop);
  return Buffer.concat(parts);
}

/** A float where JavaScript has a fraction, an infinity, NaN or −0; else an int of Python. */
function number(value: number): Buffer {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const bytes = Buffer.alloc(9, OP.float);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (value >= 0 && value < 0x100) return Buffer.of(OP.int1, value);
  if (value >= 0 && value < 0x10000) return Buffer.of(OP.int2, value & 0xff, value >> 8);
  if (value !== (value | 0)) return long(BigInt(value));
  const bytes = Buffer.alloc(5, OP.int4);
  bytes.writeInt32LE(value, 1);
  return bytes;
}

/** Two's complement, little-endian, as few bytes as hold it. */
function long(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length++;
  if (length > 0xff) throw new TypeError('an integer has more than 255 bytes');
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return Buffer.from([OP.long1, length, ...bytes]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5, OP.unicode);
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const describe = (value: unknown): string =>
  typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : typeof value;
