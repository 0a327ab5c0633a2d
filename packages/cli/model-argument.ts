import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withRegistry } from './asset-upkeep.ts';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { hasEnded } from './trial-words.ts';
import { jobNamed, withWorkspace } from './workspace.ts';

/**
 * The model folder that a word of a command line means: that folder, the one in the folder of a job or trial, that of a job by name, or
 * that of a registered model (`azureml:pets:1`, `azureml:pets@latest`).
 * @throws CommandFailure when there is none
 */
export async function modelFolder(context: Context, options: CommonOptions, model: string): Promise<string> {
  if (model.startsWith('azureml:')) {
    return withRegistry(context, options, async (registry) =>
      registry.fetchModel(await registry.resolve('model', model)),
    );
  }
  const isFolder = async (path: string) => (await stat(path).catch(() => null))?.isDirectory() === true;
  const isPath = /[/\\]/.test(model);
  if (await isFolder(model)) {
    // The folder of a job or a trial is meant as its model.
    const inside = join(model, 'outputs', 'mlflow-model');
    if (await isFolder(inside)) return inside;
    // A folder of pictures may be called as the job that was trained on them.
    const isModel = (await stat(join(model, 'fovea.json')).catch(() => null)) !== null;
    if (isModel || isPath || !(await isFolder(join(options.workspace, 'jobs', model)))) return model;
  } else if (isPath) {
    throw new CommandFailure(`${model} is not there`, {
      hint: 'give a model folder (outputs/mlflow-model) or the name of a job',
    });
  }
  return withWorkspace(context, options, async (workspace) => {
    const record = await jobNamed(workspace, options, model);
    const folder = await workspace.modelFolder(record.name);
    if (folder !== null) return folder;
    throw new CommandFailure(
      `${model} has no model: the job ${hasEnded(record) ? `is ${record.status}` : 'has not ended yet'}`,
    );
  });
}
