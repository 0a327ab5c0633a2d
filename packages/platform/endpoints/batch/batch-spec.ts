import type { InlineModel } from '../online/online-spec.ts';

/** A batch endpoint as its file has it, with every default. Keys are those of Azure's YAML. */
export interface BatchEndpointSpec {
  readonly name: string;
  readonly description: string | null;
  readonly tags: Record<string, string>;
  readonly properties: Record<string, string>;
  readonly auth_mode: 'aad_token';
  readonly defaults: {
    /** The deployment that answers when none is named. */
    readonly deployment_name: string | null;
  };
}

export const batchOutputActions = ['append_row', 'summary_only'] as const;
export const batchLoggingLevels = ['warning', 'info', 'debug'] as const;

/** How a batch deployment works through its input. */
export interface BatchSettings {
  /** Mini-batches at the same time in an instance, 1 or more. */
  readonly max_concurrency_per_instance: number;
  /** Files of a mini-batch, 1 or more. */
  readonly mini_batch_size: number;
  /** Files that may fail before the job does; -1: any number. */
  readonly error_threshold: number;
  readonly logging_level: (typeof batchLoggingLevels)[number];
  readonly retry_settings: {
    /** Of a mini-batch that failed or took too long. */
    readonly max_retries: number;
    /** Seconds that a mini-batch may take. */
    readonly timeout: number;
  };
  readonly output_action: (typeof batchOutputActions)[number];
  /** Name of a file, without folders. */
  readonly output_file_name: string;
  readonly environment_variables: Record<string, string>;
}

/** A batch deployment of a model as its file has it, with every default. Settings at root level (the older form) stand in `settings`, too. */
export interface BatchDeploymentSpec {
  readonly name: string;
  readonly endpoint_name: string;
  readonly description: string | null;
  readonly tags: Record<string, string>;
  readonly properties: Record<string, string>;
  readonly type: 'model';
  /** `azureml:name:version` or `azureml:name@latest`; or a model that is to be registered. */
  readonly model: string | InlineModel;
  /** Kept and shown; jobs run on this machine. */
  readonly compute: string;
  readonly environment: unknown;
  readonly resources: {
    readonly instance_count: number;
    /** Kept and shown. */
    readonly instance_type: string | null;
  };
  readonly settings: BatchSettings;
}
