import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withRegistry } from './asset-upkeep.ts';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { hasEnded } from './trial-words.ts';
import { jobNamed, withWorkspace } from './workspace.ts';

/** What a word of a command line means where a model is asked for. */
export type MeantModel =
  | { readonly kind: 'registered'; readonly reference: string }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'job'; readonly name: string };

/**
 * A registered model (`azureml:pets:1`, `azureml:pets@latest`), a model folder or the one in the folder of a job or trial, or a job by name.
 * @throws CommandFailure for a path that is not there
 */
export async function meantModel(options: Pick<CommonOptions, 'workspace'>, model: string): Promise<MeantModel> {
  if (model.startsWith('azureml:')) return { kind: 'registered', reference: model };
  const isFolder = async (path: string) => (await stat(path).catch(() => null))?.isDirectory() === true;
  const isPath = /[/\\]/.test(model);
  if (await isFolder(model)) {
    // The folder of a job or a trial is meant as its model.
    const inside = join(model, 'outputs', 'mlflow-model');
    if (await isFolder(inside)) return { kind: 'folder', path: inside };
    // A folder of pictures may be called as the job that was trained on them.
    const isModel = (await stat(join(model, 'fovea.json')).catch(() => null)) !== null;
    if (isModel || isPath || !(await isFolder(join(options.workspace, 'jobs', model))))
      return { kind: 'folder', path: model };
  } else if (isPath) {
    throw new CommandFailure(`${model} is not there`, {
      hint: 'give a model folder (outputs/mlflow-model) or the name of a job',
    });
  }
  return { kind: 'job', name: model };
}

/** The model folder that a word of a command line means; see `meantModel`. @throws CommandFailure when there is none */
export async function modelFolder(context: Context, options: CommonOptions, model: string): Promise<string> {
  const meant = await meantModel(options, model);
  switch (meant.kind) {
    case 'folder':
      return meant.path;
    case 'registered':
      return withRegistry(context, options, async (registry) =>
        registry.fetchModel(await registry.resolve('model', meant.reference)),
      );
    case 'job':
      return withWorkspace(context, options, async (workspace) => {
        const record = await jobNamed(workspace, options, meant.name);
        const folder = await workspace.modelFolder(record.name);
        if (folder !== null) return folder;
        throw new CommandFailure(
          `${model} has no model: the job ${hasEnded(record) ? `is ${record.status}` : 'has not ended yet'}`,
        );
      });
  }
}
