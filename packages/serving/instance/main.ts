// A process that is one instance of a deployment.
//   node main.ts '{"model": "<folder>", "port": 5001}'      or -, with the JSON on standard input; see options.ts
// It tells where it listens in a line of its log ("msg":"ready"), and on the channel to the process that started it, where there is one:
// {kind: 'ready', address, model}. It ends by SIGTERM and SIGINT, and when that channel closes, having answered what had come.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await (await import('./instance-process.ts')).instanceProcess();
