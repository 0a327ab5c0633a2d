import type { AssetRow } from '../store/index.ts';
import { dataSpecOf, modelSpecOf } from './asset-spec.ts';

/** What is known of a version of an asset, with keys as people and `az ml` write them; times are ISO 8601 in UTC. */
export interface AssetRecord {
  id: string;
  name: string;
  version: string;
  type: string;
  /** As it was given when it was registered. */
  path: string;
  description?: string;
  tags: Record<string, string>;
  properties: Record<string, string>;
  labels: string[];
  archived: boolean;
  creation_context: { created_at: string };
  content: { sha256: string | null; files: number; bytes: number };
}

export interface ModelRecord extends AssetRecord {
  /** The trial that trained it, or the job that is known. */
  job_name: string | null;
  flavors: Record<string, unknown>;
  task: string | null;
  model_name: string | null;
  /** Where it comes from. */
  lineage: { job: string | null; trial: string | null; data: string[] };
}

export interface DataRecord extends AssetRecord {
  /** Where its files are on this machine. */
  location: string;
}

export function modelRecord(row: AssetRow): ModelRecord {
  const { type, path, bytes, files, flavors, task, model_name, trial } = modelSpecOf(row);
  return {
    ...head(row, { type, path, bytes, files }),
    ...{ job_name: trial ?? row.job, flavors, task, model_name },
    lineage: { job: row.job, trial, data: row.data },
  };
}

export function dataRecord(row: AssetRow): DataRecord {
  const { type, path, location, bytes, files } = dataSpecOf(row);
  return { ...head(row, { type, path, bytes, files }), location };
}

const head = (
  row: AssetRow,
  { type, path, bytes, files }: { type: string; path: string; bytes: number; files: number },
): AssetRecord => ({
  ...{ id: `azureml:${row.name}:${row.version}`, name: row.name, version: row.version, type, path },
  ...(row.description !== null && { description: row.description }),
  ...{ tags: row.tags, properties: row.properties, labels: row.labels, archived: row.archived },
  creation_context: { created_at: row.created_at },
  content: { sha256: row.content_hash, files, bytes },
});
