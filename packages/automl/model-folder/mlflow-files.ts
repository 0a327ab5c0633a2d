import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { FILES, FORMAT_VERSION, MLFLOW_TASKS, type ModelTask } from './layout.ts';

export const PYTHON = '3.10';

/** MLflow compares it with the one that is installed; `python_model.pkl` names one class, which any version can read. */
const CLOUDPICKLE = '2.2.1';

/** What a Python program needs to use the model; fovea itself needs no Python. */
const REQUIREMENTS = [
  'mlflow>=2.6',
  `cloudpickle==${CLOUDPICKLE}`,
  'onnx>=1.12',
  'onnxruntime>=1.16',
  'numpy',
  'pandas',
  'pillow',
];

const SIGNATURE_OUTPUTS: Record<ModelTask, readonly string[]> = {
  image_classification: ['probs', 'labels', 'visualizations', 'attributions'],
  image_classification_multilabel: ['probs', 'labels', 'visualizations', 'attributions'],
  image_object_detection: ['boxes'],
  image_instance_segmentation: ['boxes'],
};

/**
 * The papers that make a folder an MLflow model, with the keys that Azure's own image models have. `mlflow.pyfunc.load_model` answers
 * images through `python_model.pkl` and `code/`, `mlflow.onnx.load_model` gives the bare graph, and fovea reads `fovea.json`.
 */
export function mlflowFiles({
  task,
  modelName,
  created,
}: {
  task: ModelTask;
  modelName: string;
  created: Date;
}): Record<string, string> {
  const artifact = (path: string) => ({ path, uri: `outputs/mlflow-model/${path}` });
  const mlmodel = {
    flavors: {
      python_function: {
        artifacts: {
          model: artifact(FILES.checkpoint),
          settings: artifact(FILES.settings),
          labels: artifact(FILES.labels),
          onnx: artifact(FILES.onnx),
          loader: artifact(FILES.loader),
        },
        cloudpickle_version: CLOUDPICKLE,
        code: dirname(FILES.pythonCode),
        env: { conda: FILES.conda, virtualenv: FILES.pythonEnv },
        loader_module: 'mlflow.pyfunc.model',
        python_model: FILES.pythonModel,
        python_version: `${PYTHON}.0`,
      },
      onnx: { code: null, data: FILES.onnx, providers: ['CPUExecutionProvider'], onnx_session_options: null },
      fovea: { data: FILES.loader, format_version: FORMAT_VERSION },
    },
    metadata: {
      base_model_name: modelName,
      base_model_task: MLFLOW_TASKS[task],
      is_acft_model: true,
      is_finetuned_model: true,
    },
    mlflow_version: '2.6.0',
    model_uuid: randomUUID().replaceAll('-', ''),
    signature: {
      inputs: signature([['binary', 'image']]),
      outputs: signature(SIGNATURE_OUTPUTS[task].map((name) => ['string', name])),
      params: null,
    },
    utc_time_created: created.toISOString().replace('T', ' ').replace('Z', '000'),
  };
  const conda = {
    name: 'mlflow-env',
    channels: ['conda-forge'],
    dependencies: [`python=${PYTHON}`, 'pip', { pip: REQUIREMENTS }],
  };
  const pythonEnv = {
    python: PYTHON,
    build_dependencies: ['pip', 'setuptools', 'wheel'],
    dependencies: [`-r ${FILES.requirements}`],
  };
  return {
    [FILES.mlmodel]: yaml(mlmodel),
    [FILES.conda]: yaml(conda),
    [FILES.pythonEnv]: yaml(pythonEnv),
    [FILES.requirements]: `${REQUIREMENTS.join('\n')}\n`,
  };
}

/** Python reads YAML 1.1, where a date without quotes would not be text. */
const yaml = (value: unknown): string => stringify(value, { version: '1.1', singleQuote: true, lineWidth: 0 });

/** As MLflow writes it: a JSON list in a string, with Python's spaces. */
function signature(columns: readonly (readonly string[])[]): string {
  return `[${columns.map(([type, name]) => `{"type": "${type}", "name": "${name}"}`).join(', ')}]`;
}
