import { batchJobType } from '../endpoints/batch/batch-job.ts';
import type { Place } from '../place.ts';
import { hasEnded } from '../records.ts';
import type { JobRow, TrialRow } from '../store/index.ts';
import { specOf } from '../stored-job.ts';
import { batchJobAnswer } from './batch-job-answer.ts';
import { restParameters } from './job-fields.ts';
import { jobToRest } from './job-translation.ts';
import { resourceHead, type Scope, workspaceId } from './scope.ts';

/** A job as REST answers it. What Azure has no word for stands in `properties.fovea`. */
export function jobAnswer(scope: Scope, place: Pick<Place, 'folder'>, row: JobRow): object {
  if (row.type === batchJobType) return batchJobAnswer(scope, place, row);
  const rest = restOf(scope, row);
  const { best_trial: best } = row;
  if (best !== null) {
    const outputs = (rest.outputs ?? {}) as Record<string, object>;
    const uri = `azureml://jobs/${best}/outputs/artifacts/outputs/mlflow-model/`;
    rest.outputs = { ...outputs, best_model: { ...outputs.best_model, uri } };
  }
  return {
    ...resourceHead(scope, `jobs/${row.name}`),
    systemData: systemData(row),
    properties: {
      ...rest,
      ...{ displayName: row.display_name, experimentName: row.experiment_name, description: row.description },
      ...{ tags: row.tags, properties: row.properties, isArchived: row.archived, status: row.status, services: {} },
      fovea: {
        ...{ startTime: row.start_time, endTime: row.end_time, secondsUsed: row.seconds_used, bestTrial: best },
        error: row.error,
      },
    },
  };
}

/** A trial as REST answers it: a job with the hyperparameters of the trial, below the one that chose it. */
export function trialAnswer(scope: Scope, job: JobRow, row: TrialRow): object {
  const rest = restOf(scope, job);
  const {
    limitSettings: _,
    sweepSettings: __,
    searchSpace: ___,
    ...details
  } = rest.taskDetails as Record<string, object>;
  const modelSettings = Object.fromEntries(
    Object.entries(row.hyperparameters)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => {
        const parameter = restParameters.get(name);
        return parameter ? [parameter.rest, parameter.codec.write(value)] : [name, value];
      }),
  );
  const left = `azureml://jobs/${row.name}/outputs/artifacts/outputs/mlflow-model/`;
  return {
    ...resourceHead(scope, `jobs/${row.name}`),
    systemData: systemData(row),
    properties: {
      ...rest,
      taskDetails: {
        ...details,
        modelSettings: { ...modelSettings, ...(row.model_name && { modelName: row.model_name }) },
      },
      outputs: {
        best_model: { jobOutputType: 'mlflow_model', mode: 'ReadWriteMount', uri: hasEnded(row.status) ? left : null },
      },
      ...{ displayName: row.name, tags: { 'mlflow.parentRunId': row.job }, properties: row.properties },
      ...{ isArchived: job.archived, status: row.status, services: {} },
      fovea: {
        ...{ startTime: row.start_time, endTime: row.end_time, parentJob: row.job, trial: row.number },
        ...{ chosenBecause: row.chosen_because, endedBecause: row.ended_because, bestEpoch: row.best_epoch },
        metrics: finite(row.metrics),
        error: row.error,
      },
    },
  };
}

function restOf(scope: Scope, job: JobRow): Record<string, unknown> {
  const rest = jobToRest(specOf(job), {
    computeId: (compute) => `${workspaceId(scope)}/computes/${compute.replace(/^azureml:/, '')}`,
  });
  const { best_model } = rest.outputs as Record<string, object>;
  return { ...rest, outputs: { best_model: { mode: 'ReadWriteMount', uri: null, ...best_model } } };
}

const systemData = ({ created_at, start_time, end_time }: JobRow | TrialRow) => ({
  createdAt: created_at,
  createdByType: 'User',
  lastModifiedAt: end_time ?? start_time ?? created_at,
});

/** JSON has no NaN. */
const finite = (metrics: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : null]));
