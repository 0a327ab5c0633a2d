export { run } from './program.ts';
export { installedServices, type Services } from './services.ts';
export { type Channel, processTerminal, type Terminal } from './terminal.ts';
