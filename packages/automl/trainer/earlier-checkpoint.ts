import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { IssuesError } from '@fovea/data';
import type { ModelTask } from '../model-folder/layout.ts';
import { readModelFolder } from '../model-folder/read.ts';
import type { GivenHyperparameters } from '../spec/job.ts';
import { modelFolderOf } from './trial-paths.ts';

/** Weights of other training that a job's trials begin with. */
export interface EarlierCheckpoint {
  path: string;
  /** In words. */
  from: string;
  /** null for a file that does not say. */
  modelName: string | null;
  /** null for a file that does not say. */
  classes: readonly string[] | null;
}

/** A job or a trial of the workspace. */
export type FoundRun =
  | { kind: 'job'; bestTrial: string | null }
  | {
      kind: 'trial';
      task: string;
      status: string;
      /** The trial's own. */
      folder: string;
    };

/** Of the workspace's jobs and trials the one of a name, or null. */
export type FindRun = (name: string) => Promise<FoundRun | null>;

type Choice = Pick<GivenHyperparameters, 'checkpoint_run_id' | 'checkpoint_dataset_id' | 'checkpoint_filename'>;

/**
 * The checkpoint that a job names: of a finished trial in this workspace (`checkpoint_run_id`), or a file (`checkpoint_filename`) in a
 * folder (`checkpoint_dataset_id`).
 *
 * @param where.baseFolder where a relative folder begins
 * @returns null when the job names none
 * @throws IssuesError when it is not there, not finished or of another task; ModelFolderError when it is damaged
 */
export async function earlierCheckpoint(
  choice: Choice,
  where: { findRun: FindRun; baseFolder: string; task: ModelTask },
): Promise<EarlierCheckpoint | null> {
  const { checkpoint_run_id: trial, checkpoint_dataset_id: folder, checkpoint_filename: file } = choice;
  if (trial !== undefined && folder !== undefined) {
    throw wrong('checkpoint_run_id', 'both a trial and a file are named to start from', 'give only one of them');
  }
  if (trial !== undefined) return ofTrial(trial, where);
  return folder === undefined || file === undefined ? null : ofFile(folder, file, where.baseFolder);
}

async function ofTrial(
  name: string,
  { findRun, task }: { findRun: FindRun; task: ModelTask },
): Promise<EarlierCheckpoint> {
  const fail = (message: string, hint: string) => wrong('checkpoint_run_id', message, hint);
  const found = await findRun(name);
  if (found === null) {
    const hint = 'fovea job list shows the jobs, fovea trial list their trials';
    throw fail(`there is no trial called ${name} in this workspace`, hint);
  }
  if (found.kind === 'job') {
    const { bestTrial } = found;
    const hint = bestTrial === null ? 'none of them has a model yet' : `its best one is ${bestTrial}`;
    throw fail(`${name} is a job; training starts from one of its trials`, hint);
  }
  const folder = modelFolderOf(found.folder);
  if (!existsSync(folder))
    throw fail(`${name} has no model: it is ${found.status}`, 'a trial that has ended with one is needed');
  if (found.task !== task)
    throw fail(`${name} is of the task ${found.task}, and this job is ${task}`, 'the tasks must be the same');
  const model = await readModelFolder(folder);
  return { path: model.weights, from: `trial ${name}`, modelName: model.modelName, classes: model.labels };
}

function ofFile(dataset: string, name: string, baseFolder: string): EarlierCheckpoint {
  if (/^azureml:/i.test(dataset)) {
    throw wrong(
      'checkpoint_dataset_id',
      `${dataset} is not on this machine`,
      'give the folder that holds the checkpoint',
    );
  }
  const folder = resolve(baseFolder, dataset);
  const path = resolve(folder, name);
  const inside = relative(folder, path);
  if (inside.startsWith('..'))
    throw wrong('checkpoint_filename', `${name} is not inside of ${dataset}`, 'give the name of a file there');
  if (!existsSync(path))
    throw wrong(
      'checkpoint_filename',
      `there is no ${name} in ${folder}`,
      'give the name of a .pt, .pth or .safetensors file there',
    );
  return { path, from: path, modelName: null, classes: null };
}

function wrong(key: string, message: string, hint: string): IssuesError {
  const file = 'training_parameters';
  return new IssuesError([
    { code: 'checkpoint', severity: 'error', file, path: [file, key], message: `${key}: ${message}`, hint },
  ]);
}
