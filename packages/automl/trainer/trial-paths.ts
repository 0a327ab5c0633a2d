import { join } from 'node:path';

/** Where a trial's model folder is, below the trial's own. */
export const modelFolderOf = (trialFolder: string): string => join(trialFolder, 'outputs', 'mlflow-model');

/** Where a trial's page of charts is, below the trial's own folder. */
export const reportOf = (trialFolder: string): string => join(trialFolder, 'train_artifacts', 'report.html');
