// The process that times the models of a job before its first trial, as AutoMode wants:
//   node main.ts '{"folder": …, "job": …, …}'      MeasuringTask; FOVEA_DATABASE is the address of the database, if it is not in the folder
import { Worker } from 'node:worker_threads';
import { jobFolder } from '@fovea/automl/runs';
import { surviveFullLogs } from '../full-logs.ts';
import { patiently } from '../patience.ts';
import { cacheFolderOf, placeOf } from '../place.ts';
import { openStore } from '../store/index.ts';
import { secondsLeftOf, settingOf, specOf } from '../stored-job.ts';
import { appendEvent } from '../watch/event-files.ts';
import type { MeasuringTask } from './task.ts';

surviveFullLogs();
const task: MeasuringTask = JSON.parse(process.argv[2]);
// Whoever takes the job over measures anew. A thread looks, since a step may keep this one for long.
new Worker(
  `const parent = process.ppid;
   setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500);`,
  { eval: true },
).unref();

const place = placeOf(task);
const store = await patiently(place, () => openStore(place));
const job = await store.jobs.find(task.job);
if (job !== null && job.owner === task.from) {
  const { measureModels, modelsToMeasure } = await import('@fovea/automl');
  const folder = jobFolder(place.folder, job.name);
  const setting = settingOf(job);
  const measured = await measureModels(
    { job: specOf(job), setting, folder, cacheFolder: cacheFolderOf(place) },
    modelsToMeasure(specOf(job), setting.models),
    {
      threads: task.threads,
      secondsLeft: secondsLeftOf(job),
      report: (event) => appendEvent(folder, event),
      signal: new AbortController().signal,
    },
  );
  await patiently(place, () => store.jobs.patch(job.name, { measured }, { owner: task.from }));
}
await store.close();
process.exit(0);
