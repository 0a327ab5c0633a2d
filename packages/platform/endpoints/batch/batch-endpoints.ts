import type { XaiAlgorithm } from '@fovea/serving/instance';
import type { JobRecord, JobSummary } from '../../records.ts';
import type { LocateOptions } from '../../registry/index.ts';
import type { BatchDeploymentSpec, BatchEndpointSpec } from './batch-spec.ts';

/** A batch endpoint, as `fovea batch-endpoint show` prints it. */
export interface BatchEndpointRecord extends BatchEndpointSpec {
  /** What is stored is there: nothing runs until it is invoked. */
  readonly provisioning_state: 'Succeeded';
  readonly created_at: string;
  readonly changed_at: string;
  /** Counts changes. */
  readonly revision: number;
}

/** A batch deployment, as `fovea batch-deployment show` prints it. */
export interface BatchDeploymentRecord extends BatchDeploymentSpec {
  /** The version that answers: `azureml:name:version`. */
  readonly model: string;
  readonly provisioning_state: 'Succeeded';
  readonly created_at: string;
  readonly changed_at: string;
  readonly revision: number;
}

/** What is to be scored, and how. */
export interface Invocation {
  readonly endpoint: string;
  /** Default: that of the endpoint, or its only one. */
  readonly deployment?: string | undefined;
  /** A folder, a pattern, a picture, a table (JSONL, CSV, MLTable), `azureml:name:version`, `azureml://datastores/…`. */
  readonly input: string;
  /** What is shown as its input, where that is not how it was given. */
  readonly given?: string | undefined;
  /** Where the results go besides the job's own folder: a folder, or a file .csv or .jsonl. */
  readonly output?: string | undefined;
  /** Name of the job; made up when left out. */
  readonly jobName?: string | undefined;
  readonly miniBatchSize?: number | undefined;
  readonly instanceCount?: number | undefined;
  /** Every answer is explained so, and not only where a row of the input asks for it. */
  readonly explain?: XaiAlgorithm | undefined;
  readonly tags?: Record<string, string> | undefined;
}

/** Batch endpoints of a workspace, and the jobs that they start. */
export interface BatchEndpoints {
  /**
   * Stores an endpoint, in place of one of this name. One that says nothing of its default deployment keeps it.
   * @throws Refusal for a name that cannot be, a default deployment that is not there, and another revision than the one that is given
   */
  put(endpoint: BatchEndpointSpec, options?: { readonly revision?: number }): Promise<BatchEndpointRecord>;
  /** @throws Refusal when there is none */
  find(name: string): Promise<BatchEndpointRecord>;
  /** Newest first. */
  list(): Promise<BatchEndpointRecord[]>;
  /** Removes an endpoint with its deployments; jobs go on, and stay. @returns whether it was there */
  delete(name: string): Promise<boolean>;

  /**
   * Stores a deployment; its model is registered where it is inline, and looked at: one that could not be loaded is refused here.
   * @param options.create fails when there is one of this name already
   * @param options.setDefault it answers when none is named
   */
  deploy(
    deployment: BatchDeploymentSpec,
    where: LocateOptions,
    options?: { readonly create?: boolean; readonly setDefault?: boolean; readonly revision?: number },
  ): Promise<BatchDeploymentRecord>;
  /** @throws Refusal when there is none */
  findDeployment(endpoint: string, name: string): Promise<BatchDeploymentRecord>;
  /** Newest first. @throws Refusal when there is no such endpoint */
  listDeployments(endpoint: string): Promise<BatchDeploymentRecord[]>;
  /** @returns whether it was there */
  deleteDeployment(endpoint: string, name: string): Promise<boolean>;

  /**
   * Starts a job that scores an input: its pictures are listed now, and scored by processes that go on when this one ends.
   * @throws Refusal for what is not there, is empty, or does not fit; IssuesError for a table that cannot be read
   */
  invoke(invocation: Invocation, where: LocateOptions): Promise<JobRecord>;
  /** Jobs of an endpoint, or of one of its deployments, newest first. */
  jobs(endpoint: string, options?: { readonly deployment?: string; readonly most?: number }): Promise<JobSummary[]>;
}
