export * from './errors.ts';
export { LeaseWatch } from './lease-watch.ts';
export { openStore, type StoreAddress } from './open-store.ts';
export { describeToken, isGone, processToken } from './process-token.ts';
export * from './rows.ts';
export type * from './store.ts';
