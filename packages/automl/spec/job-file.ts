import type { FileKind } from '../yaml/yaml-source.ts';

/** What messages call job files. */
export const jobFile: FileKind = {
  thing: 'job',
  aThing: 'a job',
  needs: 'type, task, target_column_name and training_data',
  begins: 'type: automl, task: …',
  assignment: 'limits.max_trials=4',
  jsonTexts: ['advanced_settings'],
};
