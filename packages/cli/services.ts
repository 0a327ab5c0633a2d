import type { OpenWorkspace } from '@fovea/platform';

/**
 * The packages that commands work with. Each is loaded when a command first needs it: `fovea --version` needs none, and
 * `fovea predict` has no use for the training engine.
 */
export interface Services {
  automl(): Promise<Automl>;
  data(): Promise<
    Pick<
      typeof import('@fovea/data'),
      | ('IssuesError' | 'recogniseData' | 'readLabelledImages' | 'checkValidation' | 'partNamed')
      | (
          | 'inspectImages'
          | 'dataReport'
          | 'withLabels'
          | 'reportPage'
          | 'convertAnnotations'
          | 'formatIssues'
          | 'drawOnImage'
        )
      | ('recogniseObjects' | 'readObjects' | 'checkObjectValidation' | 'verifyImages' | 'sampleSheet')
    >
  >;
  serving(): Promise<
    Pick<
      typeof import('@fovea/serving'),
      | ('loadModel' | 'openModel' | 'topLabels' | 'formatPrediction' | 'formatObjects' | 'LABEL_THRESHOLD')
      | ('evaluate' | 'evaluateObjects' | 'normalisedOutline' | 'exportModel' | 'readModelFolder')
    >
  >;
  computes(): Promise<
    Pick<typeof import('@fovea/platform/computes'), 'openComputes' | 'readComputeFile' | 'computeNameOf'>
  >;
  /** On the engine of training. */
  explanations(): Promise<
    Pick<typeof import('@fovea/automl/explain'), 'openExplainer' | 'openObjectExplainer'> &
      Pick<typeof import('@fovea/automl/model-folder'), 'readModelFolder'>
  >;
  platform(): Promise<{ openWorkspace: OpenWorkspace }>;
  remote(): Promise<
    Pick<
      typeof import('@fovea/platform/remote'),
      'openRemoteWorkspace' | 'openRemoteRegistry' | 'openRemoteOnlineEndpoints' | 'openRemoteBatchEndpoints'
    >
  >;
  registry(): Promise<
    Pick<
      typeof import('@fovea/platform/registry'),
      | ('openRegistry' | 'modelRecord' | 'dataRecord' | 'environmentRecord' | 'readEnvironmentFile')
      | ('datastoreFolder' | 'defaultDatastore')
    >
  >;
  server(): Promise<Pick<typeof import('@fovea/platform/server'), 'serveWorkspace' | 'openTokens'>>;
  endpoints(): Promise<
    Pick<
      typeof import('@fovea/platform/endpoints'),
      | ('openOnlineEndpoints' | 'readOnlineEndpoint' | 'readOnlineDeployment')
      | ('openBatchEndpoints' | 'readBatchEndpoint' | 'readBatchDeployment' | 'endpointEditorSchema')
    >
  >;
}

type Automl = Pick<
  typeof import('@fovea/automl'),
  | ('parseJob' | 'unsupportedReasons' | 'withTrialHyperparameters' | 'plainJob' | 'jobKeys' | 'readJobData')
  | ('shownSamples' | 'defaultModels' | 'modelNames' | 'editorSchema')
>;

export const installedServices: Services = {
  automl: () => import('@fovea/automl'),
  data: () => import('@fovea/data'),
  serving: () => import('@fovea/serving'),
  computes: () => import('@fovea/platform/computes'),
  async explanations() {
    const [{ openExplainer, openObjectExplainer }, { readModelFolder }] = await Promise.all([
      import('@fovea/automl/explain'),
      import('@fovea/automl/model-folder'),
    ]);
    return { openExplainer, openObjectExplainer, readModelFolder };
  },
  platform: () => import('@fovea/platform'),
  remote: () => import('@fovea/platform/remote'),
  registry: () => import('@fovea/platform/registry'),
  server: () => import('@fovea/platform/server'),
  endpoints: () => import('@fovea/platform/endpoints'),
};
