export { Refusal, type RefusalDetail, type RefusalReason } from '../refusal.ts';
export type { AssetRow } from '../store/index.ts';
export { type AssetRecord, type DataRecord, dataRecord, type ModelRecord, modelRecord } from './asset-record.ts';
export { type AssetReference, parseAssetReference, referenceTo } from './asset-reference.ts';
export { type DataType, dataTypes } from './asset-spec.ts';
export { type EnvironmentRecord, type EnvironmentSpec, environmentRecord, type NewEnvironment } from './environment.ts';
export { type EnvironmentFile, readEnvironmentFile } from './environment-file.ts';
export type { NamesData } from './job-data.ts';
export { datastoreFolder, defaultDatastore, type LocateOptions } from './locate.ts';
export { type ModelType, modelTypes } from './model-kind.ts';
export {
  createRegistry,
  type NewVersion,
  type OpenRegistry,
  openRegistry,
  type Registry,
  type SharedRegistry,
} from './registry.ts';
