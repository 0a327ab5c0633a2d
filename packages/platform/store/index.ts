export * from './errors.ts';
export * from './rows.ts';
export type * from './store.ts';
