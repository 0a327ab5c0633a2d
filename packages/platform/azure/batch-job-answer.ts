import { batchSpecOf } from '../endpoints/batch/batch-job.ts';
import { batchCounts } from '../endpoints/batch/batch-record.ts';
import type { Place } from '../place.ts';
import type { JobRow } from '../store/index.ts';
import { resourceHead, type Scope } from './scope.ts';

/**
 * A job that scores pictures, as REST answers it: a pipeline, which is what Azure makes of an invocation. What Azure has no word for stands in
 * `properties.fovea`.
 */
export function batchJobAnswer(scope: Scope, place: Pick<Place, 'folder'>, row: JobRow): object {
  const { endpoint, deployment, model, input, instance_count, settings } = batchSpecOf(row);
  const isFile = /\.[a-z0-9]{2,5}$/i.test(input);
  return {
    ...resourceHead(scope, `jobs/${row.name}`),
    systemData: {
      createdAt: row.created_at,
      createdByType: 'User',
      lastModifiedAt: row.end_time ?? row.start_time ?? row.created_at,
    },
    properties: {
      ...{ jobType: 'Pipeline', displayName: row.display_name, experimentName: row.experiment_name },
      ...{ description: row.description, tags: row.tags, properties: row.properties, isArchived: row.archived },
      ...{ status: row.status, services: {}, computeId: row.compute, jobs: {}, settings: {} },
      inputs: { input: { jobInputType: isFile ? 'uri_file' : 'uri_folder', uri: input, mode: 'ReadOnlyMount' } },
      outputs: {
        score: { jobOutputType: 'uri_folder', mode: 'Upload', uri: `azureml://jobs/${row.name}/outputs/score/` },
      },
      fovea: {
        ...{ startTime: row.start_time, endTime: row.end_time, secondsUsed: row.seconds_used, error: row.error },
        ...{ endpoint, deployment, model, instanceCount: instance_count, miniBatchSize: settings.mini_batch_size },
        ...batchCounts(place, row),
      },
    },
  };
}
