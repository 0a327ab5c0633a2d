// The process of one job that scores pictures:
//   node main.ts '{"folder": …, "job": …, "from": …}'      BatchTask; FOVEA_DATABASE is the address of the database, if it is not in the folder

import { surviveFullLogs } from '../../../full-logs.ts';
import { orchestratorStarter } from '../../../orchestrator/ensure-orchestrator.ts';
import { patiently } from '../../../patience.ts';
import { placeOf } from '../../../place.ts';
import { openStore } from '../../../store/index.ts';
import { runBatchProcess } from './run-batch-process.ts';
import type { BatchTask } from './task.ts';

surviveFullLogs();
const task = JSON.parse(process.argv[2]) as BatchTask;
const place = placeOf(task);
const store = await patiently(place, () => openStore(place));
try {
  const code = await runBatchProcess(task, place, store);
  // The process that started this one may be gone, and other jobs have to go on.
  await orchestratorStarter(place, store)();
  await store.close();
  process.exit(code);
} catch (error) {
  console.error(error);
  process.exit(1);
}
