import { createInterface } from 'node:readline';

/** Functions that may be called by name with an object of arguments. */
export type Calls = Record<string, (args: never) => unknown>;

/** The life of one side of a comparison: reads a JSON request a line, answers with a JSON value a line; see `Side`. */
export async function answerRequests(calls: Calls): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const request: { call: string; with: object } = JSON.parse(line);
    const answer = await calls[request.call](request.with as never);
    console.log(JSON.stringify(answer ?? null));
  }
}

/** Seconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
