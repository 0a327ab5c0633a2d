import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { InstanceOptions } from '@fovea/serving/instance';
import { socketFolder } from '../keeper/socket-folder.ts';
import { type BatchJobSetting, type BatchJobSpec, type BatchPaths, resultNames } from './batch-job.ts';
import { batchLog } from './batch-log.ts';
import { type BatchProgress, writeProgress } from './batch-progress.ts';
import { type MiniBatch, miniBatchesOf } from './input-item.ts';
import { InstancePool } from './instance-pool.ts';
import { keepExplanation } from './keep-explanation.ts';
import { type ItemResult, isFailure, KeptResults } from './kept-results.ts';
import { scoreMiniBatch } from './score-mini-batch.ts';
import { type BatchSummary, copyResults, readSummary, writeResults } from './write-results.ts';

export interface BatchWork {
  readonly spec: BatchJobSpec;
  readonly setting: BatchJobSetting;
  readonly paths: BatchPaths;
  /** That the job was worked on before this. */
  readonly secondsBefore: number;
  /** Ends it; what is finished is kept. */
  readonly signal: AbortSignal;
}

/** How a job ended: with what, and why it failed where it did. */
export interface BatchEnd {
  readonly summary: BatchSummary;
  readonly failure: string | null;
}

const progressMilliseconds = 250;
/** Of an instance whose job's process is gone. */
const drainMilliseconds = 500;
const largestRequest = 256 * 2 ** 20;
const shownReasons = 3;

/**
 * Scores what a job has not scored yet, and writes its results. Mini-batches that are finished are kept, a file each, so that it can be
 * killed at any moment and called again; the results are the same then.
 *
 * @throws the reason of the signal; Error when the model cannot be started or the results not be written
 */
export async function runBatchJob(work: BatchWork): Promise<BatchEnd> {
  const { spec, setting, paths, signal } = work;
  const { settings } = spec;
  const { files } = setting;
  const say = batchLog(paths.log, settings.logging_level);
  const began = performance.now();
  const kept = new KeptResults(paths.miniBatches);
  const whole = kept.isThere ? null : readSummary(paths);
  // The process before this one died between its last two steps.
  if (whole && whole.scored + whole.failed === files) return { summary: whole, failure: null };
  const counts = { done: 0, failed: 0 };
  const reasons: string[] = [];
  const count = (results: readonly ItemResult[]) => {
    counts.done += results.length;
    for (const result of results) {
      if (!isFailure(result)) continue;
      counts.failed++;
      const [reason] = result.error.split('\n');
      if (reasons.length < shownReasons) reasons.push(`${result.file}: ${reason}`);
    }
  };
  for (const number of kept.numbers()) count(kept.read(number) ?? []);
  const before = counts.done;
  const already = before === 0 ? '' : `; ${before} are finished already`;
  say('info', `${files} files for ${spec.model}, in mini-batches of ${settings.mini_batch_size}${already}`);

  let told = Number.NEGATIVE_INFINITY;
  const tell = (isDue: boolean) => {
    const now = performance.now();
    if (!isDue && now - told < progressMilliseconds) return;
    told = now;
    const seconds = (now - began) / 1000;
    const imagesPerSecond = seconds > 0 ? (counts.done - before) / seconds : 0;
    const etaSeconds = imagesPerSecond > 0 ? (files - counts.done) / imagesPerSecond : null;
    const progress: BatchProgress = { files, ...counts, imagesPerSecond, etaSeconds };
    writeProgress(paths.progress, progress);
  };
  tell(true);

  const tooMany = () => settings.error_threshold >= 0 && counts.failed > settings.error_threshold;
  if (counts.done < files && !tooMany()) await scoreAll();
  tell(true);
  signal.throwIfAborted();

  const summary = await writeResults({
    ...{ paths, kept, files, task: setting.task, outputFileName: settings.output_file_name },
    hasRows: settings.output_action === 'append_row',
    seconds: work.secondsBefore + (performance.now() - began) / 1000,
  });
  await copyElsewhere();
  const failure = failureOf();
  if (failure === null) kept.remove();
  say(failure === null ? 'info' : 'warning', failure ?? `${summary.scored} scored, ${summary.failed} failed`);
  return { summary, failure };

  async function scoreAll(): Promise<void> {
    const sockets = socketFolder('batch');
    const pool = new InstancePool({
      instances: spec.instance_count,
      concurrency: settings.max_concurrency_per_instance,
      seconds: settings.retry_settings.timeout,
      start: (number) => ({
        options: instanceOptions(work, sockets.next()),
        environment: setting.environment,
        log: join(paths.logs, `instance-${number}.log`),
      }),
      say,
    });
    const { promise: aborted, reject: stop } = Promise.withResolvers<never>();
    const abort = () => stop(signal.reason);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    try {
      const batches = miniBatchesOf(paths.list, settings.mini_batch_size);
      // One more for each instance: while it scores, files are read for it, and results are written.
      const lanes = spec.instance_count * (settings.max_concurrency_per_instance + 1);
      // A lane may be reading from a disk that does not answer; nobody waits for it then.
      await Promise.race([aborted, Promise.all(Array.from({ length: lanes }, () => lane(batches, pool)))]);
    } finally {
      signal.removeEventListener('abort', abort);
      await pool.close(signal.reason);
      sockets.remove();
    }
  }

  async function lane(batches: AsyncGenerator<MiniBatch>, pool: InstancePool): Promise<void> {
    const explain = spec.explain === null ? null : { xai_algorithm: spec.explain };
    const { max_retries: maxRetries } = settings.retry_settings;
    for (;;) {
      const { value: batch, done } = await batches.next();
      if (done || tooMany()) return;
      if (kept.has(batch.number)) continue;
      const scored = await scoreMiniBatch(batch, {
        ask: async (elements, alone) => {
          const outcome = await pool.ask(elements, alone);
          signal.throwIfAborted();
          return outcome;
        },
        ...{ explain, maxRetries, say },
      });
      const results: ItemResult[] = [];
      for (const [i, { name }] of batch.items.entries()) {
        const one = scored[i];
        if ('error' in one) {
          say('warning', `${name}: ${one.error}`);
          results.push({ file: name, error: one.error });
        } else {
          const prediction = await keepExplanation(one.answer, paths.explanations, batch.first + i);
          results.push({ file: name, prediction });
        }
      }
      signal.throwIfAborted();
      kept.write(batch.number, results);
      count(results);
      say('debug', `mini-batch ${batch.number}: ${results.length} files`);
      tell(false);
    }
  }

  async function copyElsewhere(): Promise<void> {
    if (setting.outputFolder === null) return;
    const names = resultNames(settings.output_file_name);
    const rows = settings.output_action === 'append_row' ? [names.csv, names.jsonl] : [];
    const pictures = await readdir(paths.explanations).catch(() => []);
    const explained = pictures.sort().map((name) => join(basename(paths.explanations), name));
    await copyResults(paths.results, setting.outputFolder, [...rows, ...explained, names.summary]);
  }

  function failureOf(): string | null {
    const { done, failed } = counts;
    const why = reasons.join('; ');
    if (tooMany()) {
      return `${failed} of ${done} files failed, more than error_threshold: ${settings.error_threshold} lets pass: ${why}${failed > reasons.length ? '; …' : ''}`;
    }
    return failed > 0 && failed === files
      ? `none of ${files} files could be scored: ${why}${failed > reasons.length ? '; …' : ''}`
      : null;
  }
}

function instanceOptions(
  { spec, setting }: Pick<BatchWork, 'spec' | 'setting'>,
  socket: string,
): { model: string; socket: string } & Partial<InstanceOptions> {
  const { settings } = spec;
  const concurrency = settings.max_concurrency_per_instance;
  return {
    ...{ model: setting.modelFolder, socket, deployment: spec.deployment },
    requestTimeoutMs: settings.retry_settings.timeout * 1000,
    receiveTimeoutMs: settings.retry_settings.timeout * 1000,
    maxConcurrentRequestsPerInstance: concurrency,
    maxQueueWaitMs: settings.retry_settings.timeout * 1000,
    ...{ maxRequestBytes: largestRequest, maxHeldBytes: largestRequest * (concurrency + 1) },
    drainTimeoutMs: drainMilliseconds,
    threads: Math.max(1, Math.floor(availableParallelism() / spec.instance_count)),
    // Each picture alone: its answer depends on no others, and is the same, bit for bit, when a job was interrupted and goes on.
    maxBatchImages: 1,
    logLevel: settings.logging_level === 'warning' ? 'warn' : settings.logging_level,
  };
}
