import { constants, copyFile, link } from 'node:fs/promises';

/** What systems answer that have no hard links, not between these two places, or no more of this file. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EACCES']);

/**
 * Gives a file a second name where the file system can, and else copies it: weights are too large to keep twice. Whoever changes such a
 * file must write a new one and rename it.
 */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINK.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}
