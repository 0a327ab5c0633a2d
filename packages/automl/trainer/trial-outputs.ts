import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFile } from '../job/write-file-whole.ts';
import { writeCheckpoint } from '../model-folder/checkpoint.ts';
import { scoringEnvironment, scoringScript } from '../model-folder/scoring-script.ts';
import { type ModelContents, writeModelFolder } from '../model-folder/write.ts';
import { modelFolderOf } from './trial-paths.ts';

/** What else a trial leaves for others, where Azure's trials have it. */
const outputPaths = (trialFolder: string) => ({
  checkpoint: join(trialFolder, 'outputs', 'model.pt'),
  scoringScript: join(trialFolder, 'outputs', 'scoring_file_v_1_0_0.py'),
  environment: join(trialFolder, 'outputs', 'conda_env_v_1_0_0.yml'),
  labels: join(trialFolder, 'train_artifacts', 'labels.json'),
  onnx: join(trialFolder, 'train_artifacts', 'model.onnx'),
});

/**
 * Writes what others use of a trained model. With what training itself leaves, a trial's folder is then:
 *
 * ```
 * outputs/
 *   mlflow-model/                    the model: fovea predict, az ml model create --type mlflow_model, mlflow.pyfunc.load_model
 *     MLmodel conda.yaml python_env.yaml requirements.txt python_model.pkl code/fovea_scoring.py
 *     artifacts/                     settings.json (may be edited) labels.json model.onnx model.safetensors model.pt
 *     fovea.json                     how fovea loads it, where it comes from, and the SHA-256 of what must not change
 *   model.pt                         weights, class names and settings for torch.load
 *   scoring_file_v_1_0_0.py          init() and run() for a server in Python; model_settings may be edited
 *   conda_env_v_1_0_0.yml            what that runs in
 * train_artifacts/
 *   labels.json                      class names; the index is the class's place in the output
 *   model.onnx                       images [N, 3, H, W] to logits [N, classes]
 *   confusion_matrix.json …          the tables of the best epoch's charts
 *   checkpoint_best.safetensors      weights of the best epoch
 *   checkpoint_epoch_<n>.safetensors weights after epoch n, every checkpoint_frequency epochs
 * checkpoints/last.safetensors       all that it takes to go on with training
 * user_logs/std_log.txt              what was said
 * system_logs/machine.log            where it ran, and what it took of that
 * metrics.jsonl                      the metrics of each evaluation
 * ```
 *
 * Weights and graph are on the disk once in each form: where they stand twice, that is a hard link (a copy where the file system has
 * none). Each file appears whole or not at all, the model folder last.
 *
 * @throws CheckpointError or the system's error when something cannot be written
 */
export async function writeTrialOutputs(trialFolder: string, contents: ModelContents): Promise<void> {
  const paths = outputPaths(trialFolder);
  for (const path of Object.values(paths)) await mkdir(dirname(path), { recursive: true });
  await replaceFile(paths.labels, `${JSON.stringify(contents.labels)}\n`);
  await replaceFile(paths.onnx, contents.onnx);
  await writeCheckpoint(paths.checkpoint, contents);
  await replaceFile(paths.scoringScript, scoringScript(contents));
  await replaceFile(paths.environment, scoringEnvironment());
  const stored = { ...contents.stored, checkpoint: paths.checkpoint, onnx: paths.onnx };
  await writeModelFolder(modelFolderOf(trialFolder), { ...contents, stored });
}
