// The process of one trial:
//   node main.ts '{"folder": …, "trial": …, …}'      TrialTask; FOVEA_DATABASE is the address of the database, if it is not in the folder

import { surviveFullLogs } from '../full-logs.ts';
import { orchestratorStarter } from '../orchestrator/ensure-orchestrator.ts';
import { patiently } from '../patience.ts';
import { placeOf } from '../place.ts';
import { openStore } from '../store/index.ts';
import { runTrialProcess } from './run-trial-process.ts';
import type { TrialTask } from './task.ts';

surviveFullLogs();
const task: TrialTask = JSON.parse(process.argv[2]);
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
