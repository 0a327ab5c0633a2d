import { basename, relative } from 'node:path';
import { trialFolderOf } from '../place.ts';
import type { JobRecord, JobSummary } from '../records.ts';
import type { Line } from '../wire/protocol.ts';
import type { ServerParts } from './app.ts';
import { lastingAnswer } from './lasting-answer.ts';
import type { RequestContext } from './requests.ts';

/** How jobs are told of to other machines. */
export interface JobAnswers {
  /** A record whose paths are addresses that whoever asks can name, too. */
  withAddresses<Job extends JobSummary>(record: Job): Job;
  /** An answer whose last line is the record of a job. */
  lasting(
    context: RequestContext,
    work: (tell: (line: Line) => void, signal: AbortSignal) => Promise<JobRecord>,
    reword?: (line: string) => string,
  ): Response;
}

export function jobAnswers({ place, log }: Pick<ServerParts, 'place' | 'log'>): JobAnswers {
  const withAddresses = <Job extends JobSummary>(record: Job): Job => {
    const { name, best_trial: best, model, report, batch } = record;
    const output = (path: string) => `azureml://jobs/${name}/outputs/${path}`;
    const below = (path: string) => relative(trialFolderOf(place, best ?? ''), path);
    return {
      ...record,
      model: model === null ? null : output('best_model'),
      report: report === null ? null : output(`artifacts/${below(report)}`),
      ...(batch && { batch: withResults(batch, output) }),
    };
  };
  return {
    withAddresses,
    lasting(context, work, reword) {
      const begun = performance.now();
      const { method, path } = context.req;
      const fault = (error: unknown) =>
        log({
          ...{ id: context.get('requestId'), method, path, status: 500, who: context.get('principal').name },
          ...{ milliseconds: performance.now() - begun, fault: error },
        });
      const lines = async (tell: (line: Line) => void, signal: AbortSignal) => ({
        record: withAddresses(await work(tell, signal)),
      });
      return lastingAnswer(context, lines, { fault, ...(reword && { reword }) });
    },
  };
}

const results = ['predictions', 'predictions_jsonl', 'summary'] as const;

/** Of a job that scores pictures, where `fovea job download` finds what it made. */
function withResults<Batch extends object>(batch: Batch, output: (path: string) => string): Batch {
  const facts = batch as Record<string, unknown>;
  const addressed = results.flatMap((key) =>
    typeof facts[key] === 'string' ? [[key, output(`score/${basename(facts[key])}`)]] : [],
  );
  const log = typeof facts.log === 'string' ? { log: output(`logs/${basename(facts.log)}`) } : {};
  return { ...batch, ...Object.fromEntries(addressed), ...log };
}
