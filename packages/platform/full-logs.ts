/** What cannot be written into a log on a full disk is not said, and ends no process. */
export function surviveFullLogs(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
