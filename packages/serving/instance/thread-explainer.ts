import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ExplainerMessage, ExplainerResult, ExplainerThreadData } from './explainer-thread.ts';
import type { Explain, Explanation } from './explanation.ts';
import { badRequest, RequestError } from './request-error.ts';

interface Asked {
  readonly settle: (explanation: Explanation) => void;
  readonly fail: (error: unknown) => void;
}

/** Explanations of a module, in a thread that begins when they are first asked for: most instances are never asked. */
export class ThreadExplainer {
  readonly #data: ExplainerThreadData;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | null = null;
  #count = 0;

  /** @param module path, or `file:` URL, of a module that exports `openExplainer` */
  constructor(module: string, folder: string) {
    this.#data = { module: module.startsWith('file:') ? module : pathToFileURL(module).href, folder };
  }

  /**
   * @throws RequestError (400) where the module says what is wrong with a request, or cannot be loaded
   * @throws the reason of the signal at once; the module gives up when it next looks at its own
   */
  readonly explain: Explain = ({ signal, ...request }) => {
    signal.throwIfAborted();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const id = ++this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<Explanation>();
    const leave = () => {
      this.#asked.delete(id);
      signal.removeEventListener('abort', abort);
    };
    const abort = () => {
      leave();
      worker.postMessage({ kind: 'abort', id } satisfies ExplainerMessage);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort);
    this.#asked.set(id, {
      settle(explanation) {
        leave();
        resolve(explanation);
      },
      fail(error) {
        leave();
        reject(error);
      },
    });
    worker.postMessage({ kind: 'explain', id, ...request } satisfies ExplainerMessage);
    return promise;
  };

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./explainer-thread.ts', import.meta.url), { workerData: this.#data });
    let reason: unknown = new Error('the thread of the explanations ended');
    worker.on('message', (result: ExplainerResult) => this.#finish(result));
    worker.on('error', (error: unknown) => {
      reason = error;
    });
    // The next request starts another.
    worker.on('exit', () => {
      this.#worker = null;
      this.#failAll(reason);
    });
    return worker;
  }

  #finish(result: ExplainerResult): void {
    const asked = this.#asked.get(result.id);
    if (result.kind === 'explained') asked?.settle(result.explanation);
    else if (result.kind === 'refused') asked?.fail(badRequest(result.problem));
    else if (result.kind === 'failed') asked?.fail(result.error);
    else {
      const message = `this instance cannot explain: ${result.problem}; ask without model_explainability`;
      this.#failAll(new RequestError(400, 'ExplanationsUnavailable', message));
      // Whatever is missing may be there the next time.
      this.#worker?.terminate();
    }
  }

  #failAll(error: unknown): void {
    for (const { fail } of [...this.#asked.values()]) fail(error);
  }
}
