import type { DType } from '../tensor.ts';
import { byteCount, CheckpointError, type CheckpointErrorCode, quoted } from './checkpoint-error.ts';
import { ELEMENT_BYTES, elementCount, isCount, MAX_DIMENSIONS } from './raw-tensor.ts';

/** Where one tensor lies. `begin` and `end` are byte positions within the data that follows the header. */
export interface SafetensorsEntry {
  readonly dtype: DType;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  /** In the order of the header. */
  readonly entries: Map<string, SafetensorsEntry>;
}

/** The limit of the format's reference implementation: a header is checked before its size is believed. */
export const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: Readonly<Record<string, DType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};
const CODES = new Map(Object.entries(DTYPES).map(([code, dtype]) => [dtype, code]));

/**
 * Checks everything that a header claims: types, shapes, and that the tensors cover the data exactly once.
 * Definition: https://github.com/huggingface/safetensors#format
 *
 * @param json the header's bytes, without the eight bytes of its length.
 * @param dataBytes how many bytes follow the header in the file.
 * @throws CheckpointError `invalid`, `truncated` or `unsupported`, naming file and tensor.
 */
export function parseSafetensorsHeader(json: Uint8Array, dataBytes: number, file: string): SafetensorsHeader {
  const header = parseObject(json, file);
  const metadata: Record<string, string> = Object.create(null);
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') readMetadata(value, metadata, file);
    else entries.set(name, parseEntry(value, name, file));
  }
  checkCoverage(entries, dataBytes, file);
  return { metadata, entries };
}

/**
 * The bytes before the data: length, JSON, and spaces up to a multiple of eight.
 * Names stay in the given order; the data is laid out widest element first, so that every tensor is aligned to its element
 * (readers that map the file need that), which makes the file a function of its content alone.
 *
 * @returns the bytes, and the names in the order in which their data must follow.
 * @throws CheckpointError when a name is reserved or the header would be too large to be read again.
 */
export function buildSafetensorsHeader(
  tensors: ReadonlyMap<string, { readonly dtype: DType; readonly shape: readonly number[] }>,
  metadata: Readonly<Record<string, string>>,
  file: string,
): { bytes: Uint8Array; order: string[] } {
  const order = [...tensors]
    .sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype])
    .map(([name]) => name);
  const offsets = new Map<string, [number, number]>();
  let position = 0;
  for (const name of order) {
    const { dtype, shape } = tensors.get(name) as { dtype: DType; shape: readonly number[] };
    const end = position + (elementCount(shape) ?? Number.NaN) * ELEMENT_BYTES[dtype];
    if (!Number.isSafeInteger(end))
      throw new CheckpointError({ code: 'invalid', file, tensor: name, problem: `impossible shape [${shape}]` });
    offsets.set(name, [position, end]);
    position = end;
  }
  const members: string[] = [];
  if (Object.keys(metadata).length > 0) members.push(`"__metadata__":${JSON.stringify(metadata)}`);
  for (const [name, { dtype, shape }] of tensors) {
    if (name === '__metadata__') {
      throw new CheckpointError({
        code: 'invalid',
        file,
        tensor: name,
        problem: 'this name is reserved by the format',
      });
    }
    const entry = { dtype: CODES.get(dtype), shape, data_offsets: offsets.get(name) };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = Buffer.from(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    const problem = `the header would have ${byteCount(padded)}; readers accept at most ${byteCount(MAX_HEADER_BYTES)}`;
    throw new CheckpointError({ code: 'unsupported', file, problem });
  }
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return { bytes, order };
}

function parseObject(json: Uint8Array, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    const repeated = checkStructure(text);
    if (repeated !== null) throw new CheckpointError({ code: 'invalid', file, problem: `the header has ${repeated}` });
    header = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      {
        code: 'invalid',
        file,
        problem: `the header is not JSON: ${(cause as Error).message.slice(0, 200)}`,
        hint: 'The file is damaged, or not a safetensors file',
      },
      cause,
    );
  }
  if (!isObject(header))
    throw new CheckpointError({ code: 'invalid', file, problem: 'the header is not a JSON object' });
  return header;
}

/**
 * Finds what JSON.parse would accept silently (a key twice) or at great cost (millions of levels), in one pass.
 * Only braces, strings and colons matter here; JSON.parse judges the rest afterwards.
 */
function checkStructure(text: string): string | null {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') {
      open.push(new Set());
      if (open.length > 3) return 'more than three levels; tensors need three';
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const start = i;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      let next = i + 1;
      while (isSpace(text.charCodeAt(next))) next++;
      if (text[next] !== ':') continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      const seen = open.at(-1);
      if (seen?.has(key)) return `the key ${quoted(key)} twice`;
      seen?.add(key);
    }
  }
  return null;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

function readMetadata(value: unknown, metadata: Record<string, string>, file: string): void {
  if (!isObject(value)) throw new CheckpointError({ code: 'invalid', file, problem: '__metadata__ is not an object' });
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new CheckpointError({ code: 'invalid', file, problem: `__metadata__ ${quoted(key)} is not a string` });
    }
    metadata[key] = text;
  }
}

function parseEntry(value: unknown, tensor: string, file: string): SafetensorsEntry {
  const fail = (code: CheckpointErrorCode, problem: string, hint?: string) =>
    new CheckpointError({ code, file, tensor, problem, ...(hint && { hint }) });
  if (!isObject(value)) throw fail('invalid', 'is described by something other than an object');
  for (const key of Object.keys(value)) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets')
      throw fail('invalid', `unknown key ${quoted(key)}`);
  }
  const { dtype: code, shape, data_offsets: offsets } = value;
  if (typeof code !== 'string') throw fail('invalid', 'has no dtype');
  const dtype = Object.hasOwn(DTYPES, code) ? DTYPES[code] : undefined;
  if (dtype === undefined) {
    throw fail('unsupported', `has the dtype ${quoted(code)}`, `Read are ${Object.keys(DTYPES).join(', ')}`);
  }
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS)
    throw fail('invalid', 'has no list of sizes as its shape');
  const count = elementCount(shape);
  const bytes = count === null ? Number.NaN : count * ELEMENT_BYTES[dtype];
  if (!isCount(bytes)) {
    throw fail(
      'invalid',
      `has the impossible shape ${excerpt(shape)}; sizes are whole numbers from 0 whose product fits`,
    );
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(offsets[0]) || !isCount(offsets[1])) {
    throw fail('invalid', `has the impossible data_offsets ${excerpt(offsets)}; expected [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  if (end - begin !== bytes) {
    const shaped = `${code} of shape [${shape.join(', ')}]`;
    throw fail(
      'invalid',
      `${shaped} takes ${byteCount(bytes)}, but its data_offsets [${begin}, ${end}] span ${byteCount(end - begin)}`,
    );
  }
  return { dtype, shape: shape as number[], begin, end };
}

/** The tensors, sorted by position, must follow each other without hole or overlap and end where the file ends. */
function checkCoverage(entries: Map<string, SafetensorsEntry>, dataBytes: number, file: string): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  let previous = '';
  for (const [tensor, { begin, end }] of sorted) {
    if (begin < position) {
      const problem = `begins at ${begin}, inside of ${quoted(previous)}, which ends at ${position}`;
      throw new CheckpointError({ code: 'invalid', file, tensor, problem });
    }
    if (begin > position) {
      const problem = `begins at ${begin}, but the tensors before it end at ${position}: bytes that belong to no tensor`;
      throw new CheckpointError({ code: 'invalid', file, tensor, problem });
    }
    position = end;
    previous = tensor;
  }
  if (position === dataBytes) return;
  const sizes = `expected ${byteCount(position)} of tensor data as the header says, found ${byteCount(dataBytes)}`;
  if (position > dataBytes) {
    const tensor = sorted.find(([, entry]) => entry.end > dataBytes)?.[0] as string;
    throw new CheckpointError({
      code: 'truncated',
      file,
      tensor,
      problem: `the file is cut short: ${sizes}`,
      hint: 'Copy or download it again',
    });
  }
  throw new CheckpointError({ code: 'invalid', file, problem: `has bytes that belong to no tensor: ${sizes}` });
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
