// A thread of an instance that explains: what takes seconds there holds up neither answers nor probes.
import { parentPort, workerData } from 'node:worker_threads';
import type { Explanation, ExplanationRequest, OpenExplainer } from './explanation.ts';

export interface ExplainerThreadData {
  /** URL of the module that exports `openExplainer`. */
  readonly module: string;
  /** The model folder. */
  readonly folder: string;
}

export type ExplainerMessage =
  | ({ readonly kind: 'explain'; readonly id: number } & Omit<ExplanationRequest, 'signal'>)
  | { readonly kind: 'abort'; readonly id: number };

export type ExplainerResult = { readonly id: number } & (
  | { readonly kind: 'explained'; readonly explanation: Explanation }
  /** The request's fault. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** There is nothing here to explain with. */
  | { readonly kind: 'missing'; readonly problem: string }
  | { readonly kind: 'failed'; readonly error: unknown }
);

/** Errors that say what is wrong with a request, by their names: a module brings classes of its own. */
const REFUSALS = ['RequestError', 'ExplanationError', 'IssuesError'];

const { module, folder }: ExplainerThreadData = workerData;
const opening = (import(module) as Promise<{ openExplainer: OpenExplainer }>).then(({ openExplainer }) =>
  openExplainer(folder),
);
// Told with the first request.
opening.catch(() => {});
const running = new Map<number, AbortController>();

async function explain(
  id: number,
  request: Omit<ExplanationRequest, 'signal'>,
  signal: AbortSignal,
): Promise<ExplainerResult> {
  const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
  const opened = await opening.catch((error) => ({ missing: textOf(error) }));
  if ('missing' in opened) return { id, kind: 'missing', problem: opened.missing };
  try {
    signal.throwIfAborted();
    return { id, kind: 'explained', explanation: await opened({ ...request, signal }) };
  } catch (error) {
    if (error instanceof Error && REFUSALS.includes(error.name)) return { id, kind: 'refused', problem: error.message };
    return { id, kind: 'failed', error };
  }
}

parentPort?.on('message', async (message: ExplainerMessage) => {
  const { id } = message;
  if (message.kind === 'abort') {
    running.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(id, controller);
  const { image, prediction, parameters } = message;
  parentPort?.postMessage(await explain(id, { image, prediction, parameters }, controller.signal));
  running.delete(id);
});
