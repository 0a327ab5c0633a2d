import { orchestratorStarter } from '../../orchestrator/ensure-orchestrator.ts';
import type { Place } from '../../place.ts';
import { recordedJob, summarisedJob } from '../../records.ts';
import { invalid, Refusal } from '../../refusal.ts';
import type { Registry } from '../../registry/index.ts';
import type { ResourceRow, Store } from '../../store/index.ts';
import { checkOnlineName as checkEndpointName, deploymentRowName } from '../online/online-names.ts';
import { servableModel } from '../online/servable-model.ts';
import type { BatchDeploymentRecord, BatchEndpointRecord, BatchEndpoints } from './batch-endpoints.ts';
import { batchJobType, batchSpecOf } from './batch-job.ts';
import type { BatchDeploymentSpec, BatchEndpointSpec } from './batch-spec.ts';
import { checkCount } from './check-count.ts';
import { submitBatch } from './submit-batch.ts';

/** Kinds of resources. Names: an endpoint's; of deployments `<endpoint>/<deployment>`. */
export const batchKinds = { endpoint: 'batch-endpoint', deployment: 'batch-deployment' } as const;

/** @param ensure sees to it that a process works on jobs */
export function createBatchEndpoints(
  place: Place,
  store: Store,
  registry: Registry,
  ensure: () => Promise<void> = orchestratorStarter(place, store),
): BatchEndpoints {
  const { resources } = store;

  const endpointRow = async (name: string): Promise<ResourceRow> => {
    const row = await resources.find(batchKinds.endpoint, checkEndpointName(name, 'endpoint'));
    if (row) return row;
    const message = `there is no batch endpoint ${name}; fovea batch-endpoint create --name ${name} makes one`;
    throw new Refusal('not-found', 'EndpointNotFound', message, { target: 'endpoint' });
  };

  const deploymentRow = (endpoint: string, name: string): Promise<ResourceRow | null> =>
    resources.find(
      batchKinds.deployment,
      deploymentRowName(checkEndpointName(endpoint, 'endpoint'), checkEndpointName(name, 'deployment')),
    );

  const requiredDeployment = async (endpoint: string, name: string): Promise<ResourceRow> => {
    const row = await deploymentRow(endpoint, name);
    if (row) return row;
    await endpointRow(endpoint);
    const message = `${endpoint} has no deployment ${name}; fovea batch-deployment list --endpoint-name ${endpoint} shows what it has`;
    throw new Refusal('not-found', 'DeploymentNotFound', message, { target: 'deployment' });
  };

  const deploymentsOf = async (endpoint: string): Promise<ResourceRow[]> => {
    const { rows } = await resources.list(batchKinds.deployment);
    return rows.filter(({ name }) => name.startsWith(`${endpoint}/`));
  };

  /** Changes the default deployment on the strength of what it is at that moment. */
  const changeDefault = async (endpoint: string, change: (now: string | null) => string | null): Promise<void> => {
    for (;;) {
      const row = await resources.find(batchKinds.endpoint, endpoint);
      if (!row) return;
      const spec = specOfEndpoint(row);
      const { deployment_name: now } = spec.defaults;
      const deployment_name = change(now);
      if (deployment_name === now) return;
      const changed = { ...spec, defaults: { deployment_name } };
      if (await resources.change(batchKinds.endpoint, endpoint, { spec: changed }, { revision: row.revision })) return;
    }
  };

  /** The deployment that an invocation means. */
  const chosen = async (endpoint: string, named: string | undefined): Promise<ResourceRow> => {
    if (named !== undefined) return requiredDeployment(endpoint, named);
    const { defaults } = specOfEndpoint(await endpointRow(endpoint));
    if (defaults.deployment_name !== null) return requiredDeployment(endpoint, defaults.deployment_name);
    const all = await deploymentsOf(endpoint);
    if (all.length === 1) return all[0];
    const names = all.map((row) => specOfDeployment(row).name).join(', ');
    const message =
      all.length === 0
        ? `${endpoint} has no deployment yet; fovea batch-deployment create --file … makes one`
        : `${endpoint} has no default deployment, and several to choose from (${names}); name one, or set it: fovea batch-endpoint update --name ${endpoint} --defaults deployment_name=…`;
    throw new Refusal('invalid', 'NoDefaultDeployment', message, { target: 'deployment' });
  };

  return {
    async put(endpoint, { revision } = {}) {
      checkEndpointName(endpoint.name, 'endpoint');
      for (;;) {
        const row = await resources.find(batchKinds.endpoint, endpoint.name);
        if (revision !== undefined && row?.revision !== revision) throw changedMeanwhile(endpoint.name);
        const named = endpoint.defaults.deployment_name;
        if (named !== null && !(await deploymentRow(endpoint.name, named))) {
          const message = `${endpoint.name} has no deployment ${named} that could be its default; create it first`;
          throw invalid(message, 'defaults.deployment_name', 'DeploymentNotFound');
        }
        const before = row ? specOfEndpoint(row).defaults.deployment_name : null;
        const spec: BatchEndpointSpec = { ...endpoint, defaults: { deployment_name: named ?? before } };
        const written = row
          ? await resources.change(batchKinds.endpoint, endpoint.name, { spec }, { revision: row.revision })
          : await resources.add(batchKinds.endpoint, endpoint.name, spec);
        if (written) return endpointRecord(written);
      }
    },

    find: async (name) => endpointRecord(await endpointRow(name)),

    list: async () => (await resources.list(batchKinds.endpoint)).rows.map(endpointRecord),

    async delete(name) {
      const wasThere = await resources.delete(batchKinds.endpoint, checkEndpointName(name, 'endpoint'));
      for (const row of await deploymentsOf(name)) await resources.delete(batchKinds.deployment, row.name);
      return wasThere;
    },

    async deploy(deployment, where, { create = false, setDefault = false, revision } = {}) {
      const { name, endpoint_name: endpoint } = deployment;
      const requireWritable = async () => {
        await endpointRow(endpoint);
        const row = await deploymentRow(endpoint, name);
        if (row && create) {
          const message = `there is a deployment ${name} of ${endpoint} already; fovea batch-deployment update changes it`;
          throw new Refusal('conflict', 'DeploymentExists', message, { target: 'name' });
        }
        if (revision !== undefined && row?.revision !== revision) throw changedMeanwhile(`${endpoint}/${name}`);
        return row;
      };
      checkSettings(deployment);
      // Before files are read and registered.
      await requireWritable();
      const model = await servableModel({ place, store, registry }, deployment, where);
      for (;;) {
        const row = await requireWritable();
        const spec = { ...deployment, model };
        const rowName = deploymentRowName(endpoint, name);
        const written = row
          ? await resources.change(batchKinds.deployment, rowName, { spec }, { revision: row.revision })
          : await resources.add(batchKinds.deployment, rowName, spec);
        if (!written) continue;
        if (!(await resources.find(batchKinds.endpoint, endpoint))) {
          await resources.delete(batchKinds.deployment, rowName);
          continue;
        }
        if (setDefault) await changeDefault(endpoint, () => name);
        return deploymentRecord(written);
      }
    },

    findDeployment: async (endpoint, name) => deploymentRecord(await requiredDeployment(endpoint, name)),

    async listDeployments(endpoint) {
      await endpointRow(endpoint);
      return (await deploymentsOf(endpoint)).map(deploymentRecord);
    },

    async deleteDeployment(endpoint, name) {
      const row = await deploymentRow(endpoint, name);
      await changeDefault(endpoint, (now) => (now === name ? null : now));
      return row !== null && resources.delete(batchKinds.deployment, row.name);
    },

    async invoke(invocation, where) {
      const deployment = deploymentRecord(await chosen(invocation.endpoint, invocation.deployment));
      // It takes a moment to be there: long enough to list the input.
      await ensure();
      const job = await submitBatch({ place, store, registry }, invocation, deployment, where);
      await ensure();
      return recordedJob(place, job, { best: null, trials: [] });
    },

    async jobs(endpoint, { deployment, most } = {}) {
      checkEndpointName(endpoint, 'endpoint');
      const filter = { type: batchJobType, experiment: endpoint, archived: 'active' } as const;
      const { rows } = await store.jobs.list({
        ...filter,
        ...(deployment === undefined && most !== undefined && { most }),
      });
      const wanted = [];
      for (const row of rows) {
        const job = deployment === undefined ? null : await store.jobs.find(row.name);
        if (deployment === undefined || (job && batchSpecOf(job).deployment === deployment)) wanted.push(row);
        if (most !== undefined && wanted.length === most) break;
      }
      return wanted.map((row) => summarisedJob(place, row, null));
    },
  };
}

const specOfEndpoint = ({ spec }: ResourceRow): BatchEndpointSpec => spec as BatchEndpointSpec;
const specOfDeployment = ({ spec }: ResourceRow) => spec as BatchDeploymentSpec & { readonly model: string };

const headOf = ({ created_at, changed_at, revision }: ResourceRow) => ({
  ...{ provisioning_state: 'Succeeded' as const, created_at, changed_at, revision },
});

const endpointRecord = (row: ResourceRow): BatchEndpointRecord => ({ ...specOfEndpoint(row), ...headOf(row) });
const deploymentRecord = (row: ResourceRow): BatchDeploymentRecord => ({ ...specOfDeployment(row), ...headOf(row) });

const mostInstances = 50;

/** What a file's reader has checked already, and a program's caller has not. */
function checkSettings({ resources, settings }: BatchDeploymentSpec): void {
  checkCount('resources.instance_count', resources.instance_count, 1, mostInstances);
  checkCount('settings.mini_batch_size', settings.mini_batch_size, 1);
  checkCount('settings.max_concurrency_per_instance', settings.max_concurrency_per_instance, 1, 1000);
  checkCount('settings.error_threshold', settings.error_threshold, -1);
  checkCount('settings.retry_settings.max_retries', settings.retry_settings.max_retries, 0);
}

const changedMeanwhile = (name: string) =>
  new Refusal('changed', 'ChangedMeanwhile', `${name} has been changed by somebody else; look at it, and try again`);
