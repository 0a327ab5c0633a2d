export { Refusal } from '../refusal.ts';
export type { LogEntry } from './app.ts';
export { openTokens, type ServedWorkspace, type ServeOptions, serveWorkspace } from './serve-workspace.ts';
export { type Role, roles, type TokenRecord, type Tokens } from './tokens.ts';
