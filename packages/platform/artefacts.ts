import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelFolderOf, writeFileWhole } from '@fovea/automl/runs';

/** A file that a trial left. */
export interface Artefact {
  /** Relative to the trial's folder, with slashes. */
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Where a trial has what others use. */
const folders = ['outputs', 'train_artifacts'] as const;

const listOf = (trialFolder: string) => join(trialFolder, 'artefacts.json');

/** Lists what is in `outputs/` and `train_artifacts/` of a trial, with the hash of each file, in `artefacts.json`. */
export async function writeArtefactList(trialFolder: string): Promise<void> {
  const artefacts: Artefact[] = [];
  // A file that stands in several places is one file with several names: it is read once, or was when the model folder was written.
  const known = await hashesOfModel(modelFolderOf(trialFolder));
  for (const folder of folders) {
    for (const path of await filesBelow(trialFolder, folder)) {
      const whole = join(trialFolder, path);
      const { size, ino } = await stat(whole);
      const sha256 = known.get(ino) ?? (await hashOf(whole));
      known.set(ino, sha256);
      artefacts.push({ path, bytes: size, sha256 });
    }
  }
  writeFileWhole(listOf(trialFolder), `${JSON.stringify(artefacts, null, 2)}\n`);
}

/** What `writeArtefactList` wrote; empty where it did not. */
export async function readArtefactList(trialFolder: string): Promise<Artefact[]> {
  try {
    return JSON.parse(await readFile(listOf(trialFolder), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The files of a folder as they are now, with their hashes; empty while it is not there. */
export async function filesOf(folder: string): Promise<Artefact[]> {
  const files: Artefact[] = [];
  for (const path of await filesBelow(folder, '')) {
    if (path.endsWith('.tmp')) continue;
    const whole = join(folder, path);
    files.push({ path, bytes: (await stat(whole)).size, sha256: await hashOf(whole) });
  }
  return files;
}

/** What a model folder says of its files, by inode. */
async function hashesOfModel(folder: string): Promise<Map<number, string>> {
  const known = new Map<number, string>();
  if (!existsSync(folder)) return known;
  const { files } = JSON.parse(await readFile(join(folder, 'fovea.json'), 'utf8'));
  for (const [path, { sha256, bytes }] of Object.entries<{ sha256: string; bytes: number }>(files)) {
    const { ino, size } = await stat(join(folder, path));
    if (size === bytes) known.set(ino, sha256);
  }
  return known;
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
