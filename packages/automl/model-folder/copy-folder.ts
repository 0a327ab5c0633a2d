import { createHash, randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { FILES, FINGERPRINTED, type LoaderMetadata } from './layout.ts';
import { linkOrCopy } from './link-or-copy.ts';
import { ModelFolderError } from './model-folder-error.ts';

/** What is different in the copy of a model folder. */
export interface ModelFolderChange {
  /** Another form of the graph, with the same inputs and outputs. */
  readonly onnx: Uint8Array;
  /** Added to what the folder says of its training. */
  readonly training: Readonly<Record<string, unknown>>;
}

/**
 * Copies a model folder, its edited settings included, with another graph where one is given. The copy appears whole or not at all; a
 * model folder that was in its place is replaced.
 *
 * @param from a folder that `readModelFolder` has checked
 * @throws ModelFolderError when something else is in the place
 */
export async function copyModelFolder(from: string, to: string, change?: ModelFolderChange): Promise<void> {
  await requireModelPlace(from, to);
  const parent = dirname(to);
  const suffix = randomBytes(6).toString('hex');
  const temporary = join(parent, `.${basename(to)}.${suffix}.tmp`);
  const replaced = join(parent, `.${basename(to)}.${suffix}.old`);
  await mkdir(temporary, { recursive: true });
  try {
    await copyFiles(from, temporary, change);
    await rename(to, replaced).catch(ignoreMissing);
    await rename(temporary, to);
  } catch (error) {
    await rename(replaced, to).catch(ignoreMissing);
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await rm(replaced, { recursive: true, force: true });
}

/**
 * A copy may take the place of an earlier one, of an empty folder, or of nothing.
 *
 * @throws ModelFolderError when something else is there
 */
export async function requireModelPlace(from: string, to: string): Promise<void> {
  const there = await stat(to).catch(() => null);
  if (there === null) return;
  const fail = (message: string): never => {
    throw new ModelFolderError({ code: 'inconsistent', file: to, message, hint: 'Choose another place' });
  };
  if (!there.isDirectory()) fail('it is a file, and a model folder is to be written there');
  const [source, target] = [await realpath(from), await realpath(to)];
  if (source === target || !relative(target, source).startsWith('..')) fail('the model is in this folder itself');
  const entries = await readdir(to);
  if (entries.length > 0 && !entries.includes(FILES.loader)) fail('the folder holds other files than a model');
}

async function copyFiles(from: string, to: string, change: ModelFolderChange | undefined): Promise<void> {
  const left = new Set<string>(change ? [FILES.onnx, FILES.loader] : []);
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const path = relative(from, join(entry.parentPath, entry.name));
    if (!entry.isFile() || left.has(path)) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    // Nobody edits these, so that they need not be held twice; the others may come from where nobody may write.
    const copy = (FINGERPRINTED as readonly string[]).includes(path) ? linkOrCopy : copyToEdit;
    await copy(join(from, path), join(to, path));
  }
  if (!change) return;
  const metadata: LoaderMetadata = JSON.parse(await readFile(join(from, FILES.loader), 'utf8'));
  const { onnx } = change;
  const fingerprint = { sha256: createHash('sha256').update(onnx).digest('hex'), bytes: onnx.length };
  const changed: LoaderMetadata = {
    ...metadata,
    files: { ...metadata.files, [FILES.onnx]: fingerprint },
    training: { ...metadata.training, ...change.training },
  };
  await mkdir(dirname(join(to, FILES.onnx)), { recursive: true });
  await writeFile(join(to, FILES.onnx), onnx, { flush: true });
  await writeFile(join(to, FILES.loader), `${JSON.stringify(changed, null, 2)}\n`, { flush: true });
}

async function copyToEdit(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, (await stat(to)).mode | 0o200);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
