import type { Generated } from 'kysely';
import type { AssetRow, ComputeRow, JobRow, MetricPoint, ProcessRow, ResourceRow, SlotRow, TrialRow } from './rows.ts';

/** Columns that hold JSON, in whichever table. */
const jsonColumns = [
  'spec',
  'setting',
  'measured',
  'tags',
  'properties',
  'draw',
  'hyperparameters',
  'metrics',
  'data',
] as const;
type JsonColumn = (typeof jsonColumns)[number];

/** A row as the database has it: JSON is text, booleans are 0 and 1. */
export type Stored<Row> = {
  [Key in keyof Row]: Key extends JsonColumn
    ? string | Extract<Row[Key], null>
    : Row[Key] extends boolean | undefined
      ? number
      : Row[Key];
};

/** The tables, for the query builder. */
export interface Tables {
  jobs: Omit<Stored<JobRow>, 'sequence'> & { sequence: Generated<number> };
  trials: Stored<TrialRow>;
  /** A value that is not a number is null. */
  metrics: Omit<MetricPoint, 'value'> & { trial: string; value: number | null };
  assets: Omit<Stored<AssetRow>, 'sequence' | 'labels'> & { sequence: Generated<number> };
  asset_labels: { kind: string; name: string; label: string; version: string };
  computes: Stored<ComputeRow>;
  slots: Stored<SlotRow>;
  processes: Stored<ProcessRow>;
  resources: Omit<Stored<ResourceRow>, 'sequence'> & { sequence: Generated<number> };
  fovea_schema: { version: number; fovea: string; applied_at: string };
}

const isJson = new Set<string>(jsonColumns);

/** Fields of a row as they go into the database. Fields that are undefined are left out. */
export function encode<Fields extends object>(fields: Fields): Stored<Fields> {
  const stored: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (value !== null && isJson.has(key)) stored[key] = toJson(key === 'metrics' ? numbersToText(value) : value);
    else if (typeof value === 'boolean') stored[key] = value ? 1 : 0;
    else stored[key] = typeof value === 'string' ? plainText(value) : value;
  }
  return stored as Stored<Fields>;
}

/** A row as the database gave it, made one for the store's users in place: there may be many. */
export function decode<Row>(stored: Stored<Row>): Row {
  const row = stored as Record<string, unknown>;
  for (const key of jsonColumns) {
    const value = row[key];
    if (typeof value !== 'string') continue;
    row[key] = key === 'metrics' ? textToNumbers(JSON.parse(value)) : JSON.parse(value);
  }
  if ('archived' in row) row.archived = row.archived === 1;
  return row as Row;
}

// PostgreSQL has neither U+0000 nor halves of surrogate pairs in texts; both databases keep U+FFFD for them.

function plainText(text: string): string {
  return text.includes('\0') ? text.toWellFormed().replaceAll('\0', '\ufffd') : text.toWellFormed();
}

function toJson(value: unknown): string {
  // JSON.stringify escapes no other characters by number than control characters and lone halves.
  return JSON.stringify(value).replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][\da-f]{2})/g, '$1\\ufffd');
}

// JSON has no NaN and no infinities.

function numbersToText(numbers: object): object {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
  );
}

function textToNumbers(stored: Record<string, number | string>): Record<string, number> {
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, Number(value)]));
}
