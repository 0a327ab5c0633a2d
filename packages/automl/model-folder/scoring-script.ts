import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { isDetectionTask, MLFLOW_TASKS, type ModelTask } from './layout.ts';
import { PYTHON } from './mlflow-files.ts';
import { pythonLiteral } from './python-literal.ts';
import type { ModelContents } from './write.ts';

const source = (name: string): string => readFileSync(new URL(`./python/${name}`, import.meta.url), 'utf8');

/** Files with the class `Scorer` of a task, and with how PyTorch builds its networks. */
const PARTS: Record<ModelTask, { scorer: readonly string[]; torch: string }> = {
  image_classification: { scorer: ['classifier.py'], torch: 'classifier_torch.py' },
  image_classification_multilabel: { scorer: ['classifier.py'], torch: 'classifier_torch.py' },
  image_object_detection: { scorer: ['detector.py'], torch: 'detector_torch.py' },
  image_instance_segmentation: {
    scorer: ['detector.py', 'mask_polygons.py', 'mask_detector.py'],
    torch: 'detector_torch.py',
  },
};

/** Images and requests, and what answers them with a model of the task. */
const scorer = (task: ModelTask): string => ['scoring.py', ...PARTS[task].scorer].map(source).join('');

/** `code/fovea_scoring.py`: the class that `python_model.pkl` is of, and all that it needs. */
export const scoringModule = (task: ModelTask): string => scorer(task) + source('mlflow_model.py');

/** A pickle of protocol 2: `fovea_scoring.FoveaModel.__new__(FoveaModel)`. */
export const pythonModel = (): Buffer => Buffer.from('\x80\x02cfovea_scoring\nFoveaModel\n)\x81.', 'latin1');

/**
 * `scoring_file_v_1_0_0.py`: answers requests with `init()` and `run()`, as Azure's servers call them. `model_settings` in it may be
 * edited.
 */
export function scoringScript({
  task,
  modelName,
  labels,
  input,
  settings,
  firstLabel = 0,
}: Omit<ModelContents, 'weights' | 'onnx'>): string {
  const { mean, std, normalised_in_graph } = input;
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const modelSettings = {
    model_name: modelName,
    task_type: MLFLOW_TASKS[task],
    ...Object.fromEntries(given),
    ...(isDetectionTask(task) && { first_label: firstLabel }),
    mean,
    std,
    normalised_in_graph,
    labels,
  };
  return [
    '# Answers requests with a model that was trained by Fovea. model_settings may be edited.\n',
    `TASK_TYPE = ${pythonLiteral(MLFLOW_TASKS[task])}\n`,
    `model_settings = ${pythonLiteral(modelSettings)}\n\n`,
    scorer(task),
    source(PARTS[task].torch),
    source('online.py'),
  ].join('\n');
}

/** `conda_env_v_1_0_0.yml`: what the scoring script runs in. */
export function scoringEnvironment(): string {
  const packages = ['azureml-inference-server-http', 'numpy', 'onnx>=1.12', 'onnxruntime>=1.16', 'pillow'];
  const environment = {
    name: 'project_environment',
    channels: ['conda-forge'],
    dependencies: [`python=${PYTHON}`, 'pip', { pip: packages }],
  };
  const note =
    '# Where model.pt is registered without model.onnx, the script also needs torch, with torchvision or timm.\n';
  return note + stringify(environment, { version: '1.1', singleQuote: true, lineWidth: 0 });
}
