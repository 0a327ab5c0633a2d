// The process of one trial:
//   node main.ts '{"folder": …, "trial": …, …}'      TrialTask; FOVEA_DATABASE is the address of the database, if it is not in the folder
//   node main.ts --wait <folder>                     loads the engine, and reads the task from stdin; ends when there comes none

import { text } from 'node:stream/consumers';
import { surviveFullLogs } from '../full-logs.ts';
import { orchestratorStarter } from '../orchestrator/ensure-orchestrator.ts';
import { patiently } from '../patience.ts';
import { placeOf } from '../place.ts';
import { openStore } from '../store/index.ts';
import { runTrialProcess } from './run-trial-process.ts';
import { type TrialTask, trialExit } from './task.ts';

surviveFullLogs();
const task = process.argv[2] === '--wait' ? await waitForTask() : (JSON.parse(process.argv[2]) as TrialTask);
const place = placeOf(task);
const store = await patiently(place, () => openStore(place));
try {
  const code = await runTrialProcess(task, place, store);
  // The process that started this one may be gone, and the job has to go on.
  await orchestratorStarter(place, store)();
  await store.close();
  process.exit(code);
} catch (error) {
  console.error(error);
  process.exit(1);
}

async function waitForTask(): Promise<TrialTask> {
  const engine = Promise.all([import('@fovea/automl'), import('@fovea/data')]);
  const said = await text(process.stdin);
  if (said === '') process.exit(trialExit.done);
  await engine;
  return JSON.parse(said);
}
