import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileWhole } from '@fovea/automl/runs';

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
  // A file that stands in several places is one file with several names: it is read once.
  const known = new Map<number, string>();
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
