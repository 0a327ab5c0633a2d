import { savePth, tensor } from '@fovea/torch';
import { isYolo, MLFLOW_TASKS } from './layout.ts';
import { pythonArchitecture, pythonDetectorArchitecture } from './python-architecture.ts';
import type { ModelContents } from './write.ts';

/**
 * Writes `model.pt`, for programs in Python that go on with the weights:
 *
 * ```python
 * checkpoint = torch.load('model.pt', weights_only=True)
 * network = torchvision.models.resnet18(num_classes=len(checkpoint['labels']))   # checkpoint['architecture'] says which
 * network.load_state_dict(checkpoint['state_dict'])
 * ```
 *
 * A detector of torchvision's is built with one class more where its first label is 1, for the background.
 *
 * Beside `state_dict` it has `model_name`, `task_type`, `labels` (index = class), `settings` (of a detector a JSON text), `input` (`mean` and `std`, tensors, for
 * values 0 … 1), `architecture`, and `training` (a JSON text: `weights_only` of PyTorch 1.13 takes no fractions outside of tensors).
 *
 * @throws CheckpointError when it cannot be written; nothing is left behind then
 */
export async function writeCheckpoint(
  path: string,
  { task, modelName, labels, input, settings, weights, training }: ModelContents,
): Promise<void> {
  using mean = tensor(input.mean);
  using std = tensor(input.std);
  const isClassifier = 'valid_crop_size' in settings;
  const architecture = isClassifier
    ? pythonArchitecture(modelName, settings.valid_crop_size)
    : pythonDetectorArchitecture(modelName, isYolo(settings) ? undefined : settings.min_size);
  await savePth(path, {
    format: 'fovea-model-1',
    model_name: modelName,
    task_type: MLFLOW_TASKS[task],
    labels,
    settings: isClassifier ? { ...settings } : JSON.stringify(settings),
    input: { mean, std },
    architecture: architecture && { ...architecture },
    training: JSON.stringify(training),
    state_dict: weights,
  });
}
