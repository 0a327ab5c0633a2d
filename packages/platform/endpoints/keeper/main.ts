// A process that serves the deployments of a workspace, until there are none for a while:
//   node main.ts <folder> [seconds to wait for another deployment]      FOVEA_DATABASE is the address of the database, if it is not in the folder
// One that is started with a channel is told on it where to listen (KeeperOrder), and tells where endpoints can be asked (KeeperMessage).
import { surviveFullLogs } from '../../full-logs.ts';
import { patiently } from '../../patience.ts';
import { placeOf } from '../../place.ts';
import { openStore } from '../../store/index.ts';
import { ownAddress, toldAddress } from './gateway-orders.ts';
import { keepEndpoints } from './keep-endpoints.ts';

surviveFullLogs();
const [folder, idle = '60'] = process.argv.slice(2);
const place = placeOf({ folder });
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());
const say = (line: string) => console.log(`${new Date().toISOString()} [${process.pid}] ${line}`);
const orders = process.connected ? await toldAddress() : ownAddress;
const store = await patiently(place, () => openStore(place));
await keepEndpoints(place, store, {
  ...{ ...orders, signal: stopping.signal, say },
  ...{ idleMilliseconds: Number(idle) * 1000, isKept: () => process.connected },
});
await store.close();
process.exit(0);
