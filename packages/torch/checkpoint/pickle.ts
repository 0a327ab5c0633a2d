import { CheckpointError, type CheckpointErrorCode } from './checkpoint-error.ts';

/** Something that a pickle may call: made by a `PickleHost`, never by looking a name up in any program. */
export class PickleFunction {
  readonly name: string;
  readonly call: (args: readonly unknown[]) => unknown;

  constructor(name: string, call: (args: readonly unknown[]) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** A class whose objects the host lets a pickle make, by `class.__new__` alone; calling it as a function is refused. */
export class PickleClass extends PickleFunction {
  readonly create: (args: readonly unknown[]) => unknown;

  constructor(name: string, refuse: () => never, create: (args: readonly unknown[]) => unknown) {
    super(name, refuse);
    this.create = create;
  }
}

/** Everything that a pickle can reach beyond plain data. What the host does not offer does not exist. */
export interface PickleHost {
  readonly file: string;
  /** The value of a global name: a PickleFunction or plain data. Throws for names that are not allowed. */
  global(module: string, name: string): unknown;
  /** The value that lies outside of the pickle under `id` (for torch: a storage). */
  persistent(id: unknown): unknown;
  /** Python's `object.__setstate__(state)`; throws when the object takes none. */
  setState(object: unknown, state: unknown): void;
}

export interface Unpickled {
  readonly value: unknown;
  /** Position after the pickle's last byte. */
  readonly end: number;
}

/** Integers of a checkpoint have 64 bits, PyTorch's magic number 80. Longer ones are only there to cost time. */
const MAX_INTEGER_BYTES = 64;

/**
 * Reads one pickle of protocol 2 to 5 (and what Python 2 wrote as protocol 2) without running anything:
 * a stack machine over data, whose only way out is `host`.
 *
 * Python → here: None → null, int → number (bigint beyond 2^53), str → string, bytes → Uint8Array,
 * list → array, tuple → frozen array, dict → Map, set and frozenset → Set.
 * Definition of the opcodes: CPython, Lib/pickletools.py.
 *
 * Time and memory are proportional to the bytes read, whatever they say. Values can be shared and lists can contain themselves.
 * @throws CheckpointError `truncated` when `bytes` ends first, else `invalid`, `unsupported`, or what the host throws.
 */
export function unpickle(bytes: Uint8Array, start: number, host: PickleHost): Unpickled {
  return new Unpickler(bytes, start, host).run();
}

class Unpickler {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly host: PickleHost;
  private at: number;
  private readonly stack: unknown[] = [];
  /** Stack heights at which a MARK was set. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, start: number, host: PickleHost) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
    this.host = host;
  }

  run(): Unpickled {
    for (;;) {
      const at = this.at;
      const opcode = this.byte();
      if (opcode === STOP) {
        const value = this.pop();
        if (this.stack.length > 0) throw this.fail('invalid', at, 'values are left over at the end');
        return { value, end: this.at };
      }
      const step = OPCODES.get(opcode);
      if (step === undefined) {
        throw this.fail(
          'unsupported',
          at,
          `opcode 0x${opcode.toString(16).padStart(2, '0')} is not one that checkpoints use`,
        );
      }
      step(this, at);
    }
  }

  fail(code: CheckpointErrorCode, at: number, problem: string): CheckpointError {
    return new CheckpointError({
      code,
      file: this.host.file,
      problem: `its pickle is not readable at byte ${at}: ${problem}`,
    });
  }

  /** Moves over `length` bytes and gives the position where they begin. */
  take(length: number): number {
    const at = this.at;
    if (length > this.bytes.length - at) {
      const problem = `needs ${length.toLocaleString('en-US')} more bytes, found ${this.bytes.length - at}`;
      throw this.fail('truncated', at, problem);
    }
    this.at = at + length;
    return at;
  }

  byte(): number {
    return this.view.getUint8(this.take(1));
  }
  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  uint64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }
  /** The only big-endian number of the format. */
  float64(): number {
    return this.view.getFloat64(this.take(8), false);
  }
  binary(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }
  utf8(length: number): string {
    const at = this.at;
    try {
      return UTF8.decode(this.binary(length));
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw this.fail('invalid', at, 'a string is not UTF-8');
    }
  }
  /** A `str` of Python 2: bytes of no stated encoding. */
  latin1(length: number): string {
    return Buffer.from(this.binary(length)).toString('latin1');
  }
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.fail('truncated', this.at, 'a line has no end');
    const text = this.utf8(end - this.at);
    this.at = end + 1;
    return text;
  }
  integer(length: number): number | bigint {
    const at = this.at;
    if (length > MAX_INTEGER_BYTES) throw this.fail('unsupported', at, `an integer of ${length} bytes`);
    const bytes = this.binary(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return plainInteger(BigInt.asIntN(8 * length, value));
  }

  push(value: unknown): void {
    this.stack.push(value);
  }
  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0))
      throw this.fail('invalid', this.at, 'a value is missing on the stack');
    return this.stack.pop();
  }
  /** The value on top, which stays there. */
  top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0))
      throw this.fail('invalid', this.at, 'a value is missing on the stack');
    return this.stack.at(-1);
  }
  mark(): void {
    this.marks.push(this.stack.length);
  }
  popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.fail('invalid', this.at, 'a mark is missing on the stack');
    return this.stack.splice(mark);
  }
  popTuple(at: number): readonly unknown[] {
    const value = this.pop();
    if (isTuple(value)) return value;
    throw this.fail('invalid', at, 'arguments are not a tuple');
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }
  memoize(): void {
    this.remember(this.memo.size);
  }
  recall(index: number, at: number): void {
    if (!this.memo.has(index)) throw this.fail('invalid', at, `value ${index} is used before it is there`);
    this.push(this.memo.get(index));
  }

  global(module: string, name: string): void {
    this.push(this.host.global(module, name));
  }
  persistent(): void {
    this.push(this.host.persistent(this.pop()));
  }
  /** Python's `function(*args)` and, as far as the host offers it, `class.__new__(class, *args)`. */
  call(callee: unknown, args: readonly unknown[], at: number): void {
    if (!(callee instanceof PickleFunction))
      throw this.fail('invalid', at, 'something that is not a function is called');
    this.push(callee.call(args));
  }
  setState(): void {
    const state = this.pop();
    this.host.setState(this.top(), state);
  }

  append(items: unknown[], at: number): void {
    const list = this.top();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.fail('invalid', at, 'items are appended to something that is not a list');
    for (const item of items) list.push(item);
  }
  setItems(items: unknown[], at: number): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw this.fail('invalid', at, 'items are set in something that is not a dict');
    if (items.length % 2 !== 0) throw this.fail('invalid', at, 'a key has no value');
    for (let i = 0; i < items.length; i += 2) dict.set(this.key(items[i], at), items[i + 1]);
  }
  addItems(items: unknown[], at: number): void {
    const set = this.top();
    if (!(set instanceof Set)) throw this.fail('invalid', at, 'items are added to something that is not a set');
    for (const item of items) set.add(this.key(item, at));
  }
  /** Integers over 2^53 hash badly: a file full of chosen ones would take hours. */
  private key(value: unknown, at: number): unknown {
    if (typeof value === 'bigint') throw this.fail('unsupported', at, 'an integer over 2^53 is a key');
    return value;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const STOP = 0x2e;

const OPCODES = new Map<number, (machine: Unpickler, at: number) => void>([
  // The pickle itself
  [0x80, protocol], // PROTO
  [0x95, (m) => void m.uint64()], // FRAME: a hint for buffering
  // Numbers and constants
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4b, (m) => m.push(m.byte())], // BININT1
  [0x4d, (m) => m.push(m.uint16())], // BININT2
  [0x4a, (m) => m.push(m.int32())], // BININT
  [0x8a, (m) => m.push(m.integer(m.byte()))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.uint32()))], // LONG4
  [0x49, textInteger], // INT: Python 2 wrote integers over 32 bits so
  [0x47, (m) => m.push(m.float64())], // BINFLOAT
  // Strings and bytes
  [0x58, (m) => m.push(m.utf8(m.uint32()))], // BINUNICODE
  [0x8c, (m) => m.push(m.utf8(m.byte()))], // SHORT_BINUNICODE
  [0x8d, (m) => m.push(m.utf8(m.uint64()))], // BINUNICODE8
  [0x54, (m) => m.push(m.latin1(m.uint32()))], // BINSTRING
  [0x55, (m) => m.push(m.latin1(m.byte()))], // SHORT_BINSTRING
  [0x42, (m) => m.push(m.binary(m.uint32()))], // BINBYTES
  [0x43, (m) => m.push(m.binary(m.byte()))], // SHORT_BINBYTES
  [0x8e, (m) => m.push(m.binary(m.uint64()))], // BINBYTES8
  [0x96, (m) => m.push(m.binary(m.uint64()))], // BYTEARRAY8
  // Containers
  [0x28, (m) => m.mark()], // MARK
  [0x29, (m) => m.push(tuple([]))], // EMPTY_TUPLE
  [0x85, (m) => m.push(tuple([m.pop()]))], // TUPLE1
  [0x86, (m) => m.push(tuple([m.pop(), m.pop()].reverse()))], // TUPLE2
  [0x87, (m) => m.push(tuple([m.pop(), m.pop(), m.pop()].reverse()))], // TUPLE3
  [0x74, (m) => m.push(tuple(m.popToMark()))], // TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x6c, (m) => m.push(m.popToMark())], // LIST
  [0x61, (m, at) => m.append([m.pop()], at)], // APPEND
  [0x65, (m, at) => m.append(m.popToMark(), at)], // APPENDS
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x64, newDict], // DICT
  [0x73, (m, at) => m.setItems([m.pop(), m.pop()].reverse(), at)], // SETITEM
  [0x75, (m, at) => m.setItems(m.popToMark(), at)], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m, at) => m.addItems(m.popToMark(), at)], // ADDITEMS
  [0x91, newFrozenSet], // FROZENSET
  // Stack and memo
  [0x30, (m) => void m.pop()], // POP
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x71, (m) => m.remember(m.byte())], // BINPUT
  [0x72, (m) => m.remember(m.uint32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x68, (m, at) => m.recall(m.byte(), at)], // BINGET
  [0x6a, (m, at) => m.recall(m.uint32(), at)], // LONG_BINGET
  // What only the host can answer
  [0x63, (m) => m.global(m.line(), m.line())], // GLOBAL
  [0x93, stackGlobal], // STACK_GLOBAL
  [0x51, (m) => m.persistent()], // BINPERSID
  [0x52, reduce], // REDUCE
  [0x81, newObject], // NEWOBJ
  [0x92, newObjectWithKeywords], // NEWOBJ_EX
  [0x62, (m) => m.setState()], // BUILD
]);

function protocol(machine: Unpickler, at: number): void {
  const version = machine.byte();
  if (version < 2 || version > 5) throw machine.fail('unsupported', at, `protocol ${version}; 2 to 5 are read`);
}

function textInteger(machine: Unpickler, at: number): void {
  const text = machine.line();
  if (text === '00' || text === '01') machine.push(text === '01');
  else if (/^-?\d{1,20}$/.test(text)) machine.push(plainInteger(BigInt(text)));
  else throw machine.fail('invalid', at, 'an integer is not one');
}

function newDict(machine: Unpickler, at: number): void {
  const items = machine.popToMark();
  machine.push(new Map());
  machine.setItems(items, at);
}

function newFrozenSet(machine: Unpickler, at: number): void {
  const items = machine.popToMark();
  machine.push(new Set());
  machine.addItems(items, at);
}

function stackGlobal(machine: Unpickler, at: number): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== 'string' || typeof module !== 'string')
    throw machine.fail('invalid', at, 'a global name is not a string');
  machine.global(module, name);
}

function reduce(machine: Unpickler, at: number): void {
  const args = machine.popTuple(at);
  machine.call(machine.pop(), args, at);
}

function newObject(machine: Unpickler, at: number): void {
  const args = machine.popTuple(at);
  const type = machine.pop();
  if (type instanceof PickleClass) machine.push(type.create(args));
  else machine.call(type, args, at);
}

function newObjectWithKeywords(machine: Unpickler, at: number): void {
  const keywords = machine.pop();
  if (!(keywords instanceof Map) || keywords.size > 0) throw machine.fail('unsupported', at, 'keyword arguments');
  newObject(machine, at);
}

function tuple(items: unknown[]): readonly unknown[] {
  return Object.freeze(items);
}

export function isTuple(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
