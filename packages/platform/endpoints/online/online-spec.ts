/** Who may ask an online endpoint. */
export type AuthMode = 'key' | 'aml_token' | 'aad_token';

/** An online endpoint as its file has it, with every default. Keys are those of Azure's YAML. */
export interface OnlineEndpointSpec {
  readonly name: string;
  readonly description: string | null;
  readonly tags: Record<string, string>;
  readonly properties: Record<string, string>;
  readonly auth_mode: AuthMode;
  /** Kept and shown; whoever runs this workspace is who its processes are. */
  readonly identity: { readonly type: string; readonly user_assigned_identities: readonly string[] } | null;
  /** Percents by deployment, 100 or 0 in all. */
  readonly traffic: Record<string, number>;
  /** One deployment and its percent, 50 at most; or nothing. */
  readonly mirror_traffic: Record<string, number>;
  /** `disabled`: requests of this machine only. */
  readonly public_network_access: 'enabled' | 'disabled';
}

/** How an instance is asked whether it lives, or is ready. Times in seconds. */
export interface ProbeSpec {
  /** Before the first probe; an instance that says earlier that it is ready is probed from then on. */
  readonly initial_delay: number;
  readonly period: number;
  readonly timeout: number;
  readonly success_threshold: number;
  readonly failure_threshold: number;
}

/** What of requests and answers is kept, as Azure's data collector does it. */
export interface DataCollectorSpec {
  /** Share of requests, 0 … 1. */
  readonly sampling_rate: number;
  /** How long a file is written to. */
  readonly rolling_rate: 'Minute' | 'Hour' | 'Day' | 'Month' | 'Year';
  readonly collections: Record<'request' | 'response' | (string & {}), { readonly enabled: boolean }>;
}

/** A managed online deployment as its file has it, with every default. Keys are those of Azure's YAML. */
export interface OnlineDeploymentSpec {
  readonly name: string;
  readonly endpoint_name: string;
  readonly description: string | null;
  readonly tags: Record<string, string>;
  readonly properties: Record<string, string>;
  /** `azureml:name:version` or `azureml:name@latest`; or a model that is to be registered. */
  readonly model: string | InlineModel;
  readonly model_mount_path: string | null;
  readonly environment: unknown;
  readonly environment_variables: Record<string, string>;
  /** Kept and shown; instances run on this machine. */
  readonly instance_type: string;
  /** 1 … 50. */
  readonly instance_count: number;
  readonly app_insights_enabled: boolean;
  readonly scale_settings: { readonly type: 'default' };
  readonly request_settings: {
    readonly request_timeout_ms: number;
    readonly max_concurrent_requests_per_instance: number;
    readonly max_queue_wait_ms: number;
  };
  readonly liveness_probe: ProbeSpec;
  readonly readiness_probe: ProbeSpec;
  readonly data_collector: DataCollectorSpec | null;
  /** `disabled`: images are not fetched from addresses. */
  readonly egress_public_network_access: 'enabled' | 'disabled';
}

export interface InlineModel {
  readonly name: string | null;
  readonly version: string | null;
  readonly path: string;
  readonly type: 'custom_model' | 'mlflow_model' | 'triton_model';
}
