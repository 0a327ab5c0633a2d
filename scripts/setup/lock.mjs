import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Takes a lock that only one living process can hold; waits while another does (`onWait(pid)` is called once). What a dead process
 * left is taken over. Returns the function that gives the lock back, or null when `isStopped()` became true first.
 */
export async function takeLock(path, onWait, isStopped = () => false) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (let waited = false; !isStopped(); ) {
      try {
        linkSync(mine, path); // a link appears with its content, or not at all
        return () => rmSync(path, { force: true });
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = readHolder(path);
      if (holder !== null && !isAlive(holder)) removeStale(path, holder);
      else {
        if (!waited && holder !== null) onWait(holder);
        waited = true;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    return null;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Moves the file away first: had another process replaced it meanwhile, it would be put back. */
function removeStale(path, holder) {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (readHolder(aside) !== holder) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
