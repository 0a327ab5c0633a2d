import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { displayNameOf, generateJobName } from '@fovea/automl/runs';
import { XAI_ALGORITHMS } from '@fovea/serving/instance';
import { meaningfulVariables } from '../../meaningful-variables.ts';
import type { Place } from '../../place.ts';
import { invalid, Refusal } from '../../refusal.ts';
import { checkName } from '../../registry/asset-reference.ts';
import { modelSpecOf } from '../../registry/asset-spec.ts';
import type { LocateOptions, Registry } from '../../registry/index.ts';
import { type JobRow, NameTaken, processToken, type Store } from '../../store/index.ts';
import { forget } from '../../unsubmitted.ts';
import type { BatchDeploymentRecord, Invocation } from './batch-endpoints.ts';
import { type BatchJobSetting, type BatchJobSpec, batchJobType, batchPaths } from './batch-job.ts';
import { noProgress, writeProgress } from './batch-progress.ts';
import { checkCount } from './check-count.ts';
import { writeInputList } from './input-item.ts';
import { inputPlace, outputPlace } from './input-place.ts';
import { listInput } from './list-input.ts';

export interface SubmitBatchParts {
  readonly place: Place;
  readonly store: Store;
  readonly registry: Registry;
}

/**
 * Stores a job that scores an input. While its pictures are listed the job is `Preparing`, and this process holds its lease: should it
 * die, the job is removed by whoever notices.
 *
 * @throws Refusal, IssuesError: nothing is stored then
 */
export async function submitBatch(
  { place, store, registry }: SubmitBatchParts,
  invocation: Invocation,
  deployment: BatchDeploymentRecord,
  where: LocateOptions,
): Promise<JobRow> {
  const { explain = null, input, output = null } = invocation;
  const model = await registry.resolve('model', deployment.model);
  const { task } = modelSpecOf(model);
  if (task === null) throw invalid(`${deployment.model} is no model that Fovea trained, and cannot be asked`, 'model');
  if (explain !== null) checkExplain(explain, task, deployment.model);
  const spec = jobSpec(invocation, deployment);
  const found = await inputPlace(place, store, input, where);
  const wanted = output === null ? null : await outputPlace(place, store, output, where);
  const setting: BatchJobSetting = {
    ...{ workspace: place.id, environment: meaningfulVariables(process.env), task },
    modelFolder: registry.modelFolder(model),
    outputFolder: wanted?.folder ?? null,
    files: 0,
    tries: { count: 0, finished: 0 },
  };
  const settings = wanted?.fileName ? { ...spec.settings, output_file_name: wanted.fileName } : spec.settings;

  const name = invocation.jobName === undefined ? generateJobName() : checkName(invocation.jobName, 'job');
  const paths = batchPaths(place, name);
  const owner = processToken();
  try {
    await store.jobs.add({
      ...{ name, type: batchJobType, task, status: 'Preparing', owner, spec: { ...spec, settings }, setting },
      ...{ display_name: displayNameOf(name), experiment_name: spec.endpoint, compute: deployment.compute },
      ...{ tags: invocation.tags ?? {} },
    });
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error;
    const message = `there is a job called ${name} already; choose another name`;
    throw new Refusal('conflict', 'JobExists', message, { target: 'jobName', cause: error });
  }
  const beating = setInterval(() => store.jobs.beat(name, owner).catch(() => {}), 1000);
  try {
    rmSync(paths.folder, { recursive: true, force: true });
    mkdirSync(join(paths.folder, 'logs'), { recursive: true });
    const files = await writeInputList(paths.list, listInput(found));
    writeProgress(paths.progress, noProgress(files));
    const set = { setting: { ...setting, files } };
    if (!(await store.jobs.transition(name, { from: ['Preparing'], to: 'Queued', set, owner, release: true }))) {
      throw new Refusal('conflict', 'JobCanceled', `${name} was canceled while its input was listed`);
    }
    return (await store.jobs.find(name)) as JobRow;
  } catch (error) {
    await forget(place, store, name, owner);
    throw error;
  } finally {
    clearInterval(beating);
  }
}

function jobSpec(
  { miniBatchSize, instanceCount, ...invocation }: Invocation,
  deployment: BatchDeploymentRecord,
): BatchJobSpec {
  if (miniBatchSize !== undefined) checkCount('mini_batch_size', miniBatchSize, 1);
  if (instanceCount !== undefined) checkCount('instance_count', instanceCount, 1, 50);
  return {
    ...{ endpoint: deployment.endpoint_name, deployment: deployment.name, model: deployment.model },
    ...{
      input: invocation.given ?? invocation.input,
      output: invocation.output ?? null,
      explain: invocation.explain ?? null,
    },
    instance_count: instanceCount ?? deployment.resources.instance_count,
    settings: { ...deployment.settings, mini_batch_size: miniBatchSize ?? deployment.settings.mini_batch_size },
  };
}

function checkExplain(explain: string, task: string, model: string): void {
  if (!(XAI_ALGORITHMS as readonly string[]).includes(explain)) {
    throw invalid(`explain should be one of ${XAI_ALGORITHMS.join(', ')}, not ${explain}`, 'explain');
  }
  if (!task.startsWith('image_classification'))
    throw invalid(`${model} finds objects (${task}); only classification is explained`, 'explain');
}
