// A process that works on the jobs of a workspace, until there are none for a while:
//   node main.ts <folder> [seconds to wait for another job]      FOVEA_DATABASE is the address of the database, if it is not in the folder
import { surviveFullLogs } from '../full-logs.ts';
import { patiently } from '../patience.ts';
import { placeOf } from '../place.ts';
import { openStore } from '../store/index.ts';
import { orchestrate } from './orchestrate.ts';

surviveFullLogs();
const [folder, idle = '10'] = process.argv.slice(2);
const place = placeOf({ folder });
const store = await patiently(place, () => openStore(place));
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());
const say = (line: string) => console.log(`${new Date().toISOString()} [${process.pid}] ${line}`);
await orchestrate(place, store, { idleMilliseconds: Number(idle) * 1000, signal: stopping.signal, say });
await store.close();
process.exit(0);
