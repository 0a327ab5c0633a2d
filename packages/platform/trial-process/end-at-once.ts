/** Ends this process so that it does not write one more byte: another has what it worked on. */
export function endAtOnce(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a process that was killed does not get here');
}
