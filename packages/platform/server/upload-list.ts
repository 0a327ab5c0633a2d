import { createHash } from 'node:crypto';
import { invalid } from '../refusal.ts';
import type { UploadFile } from '../wire/protocol.ts';
import { isRelativePath, isSha256 } from '../wire/relative-path.ts';
import { isObject } from './requests.ts';

/** How much may be uploaded. */
export interface UploadLimits {
  /** Of one file, in bytes. */
  readonly mostFileBytes: number;
  /** Of all files of an upload, in bytes. */
  readonly mostBytes: number;
  readonly mostFiles: number;
}

export const usualLimits: UploadLimits = { mostFileBytes: 64e9, mostBytes: 1024e9, mostFiles: 400_000 };

/** The files of an upload, by path. */
export interface UploadList {
  /** SHA-256 of the list: the same files under the same names are the same upload. */
  readonly id: string;
  readonly files: readonly UploadFile[];
}

const isSize = (bytes: unknown): bytes is number => Number.isSafeInteger(bytes) && (bytes as number) >= 0;

/** Reads what a request says of the files that it is about to send. @throws Refusal for a list that cannot be, or is too much */
export function uploadList(given: unknown, limits: UploadLimits): UploadList {
  if (!Array.isArray(given) || given.length === 0) throw invalid('files should be a list of files', 'files');
  if (given.length > limits.mostFiles)
    throw tooMuch(`${number(given.length)} files`, `${number(limits.mostFiles)} files`);
  const files = given.map((one, i): UploadFile => {
    const { path, bytes, sha256 } = isObject(one) ? one : {};
    if (!isRelativePath(path)) {
      const shown = JSON.stringify(path)?.slice(0, 200);
      throw invalid(`${shown} is no path of a file below a folder`, `files[${i}].path`, 'InvalidPath');
    }
    if (!isSize(bytes)) throw invalid(`${path}: bytes should be a whole number`, `files[${i}].bytes`);
    if (!isSha256(sha256)) throw invalid(`${path}: sha256 should be 64 hexadecimal digits`, `files[${i}].sha256`);
    if (bytes > limits.mostFileBytes)
      throw tooMuch(`${path} with ${number(bytes)} bytes`, `files of ${number(limits.mostFileBytes)} bytes`);
    return { path, bytes, sha256 };
  });
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > limits.mostBytes) throw tooMuch(`${number(total)} bytes`, `${number(limits.mostBytes)} bytes`);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  requireTree(files);
  const hash = createHash('sha256');
  for (const { path, bytes, sha256 } of files) hash.update(`${sha256}  ${bytes}  ${path}\n`);
  return { id: hash.digest('hex'), files };
}

/** @throws Refusal when a path is there twice, or is a file and a folder, or content has two sizes */
function requireTree(files: readonly UploadFile[]): void {
  const names = new Set<string>();
  const sizes = new Map<string, number>();
  for (const { path, bytes, sha256 } of files) {
    if (names.has(path)) throw invalid(`${path} is in the list twice`, 'files', 'InvalidPath');
    names.add(path);
    if ((sizes.get(sha256) ?? bytes) !== bytes) throw invalid(`${path}: content of one hash has two sizes`, 'files');
    sizes.set(sha256, bytes);
  }
  for (const { path } of files) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (names.has(path.slice(0, at)))
        throw invalid(`${path.slice(0, at)} is a file and a folder`, 'files', 'InvalidPath');
    }
  }
}

const number = (value: number) => value.toLocaleString('en');

const tooMuch = (what: string, most: string) =>
  invalid(
    `${what}: this server takes at most ${most}; fovea serve --help says how to change that`,
    'files',
    'RequestTooLarge',
  );
