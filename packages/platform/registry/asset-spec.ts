import type { AssetRow } from '../store/index.ts';
import type { Flavors, ModelType } from './model-kind.ts';

export const dataTypes = ['uri_file', 'uri_folder', 'mltable'] as const;
export type DataType = (typeof dataTypes)[number];

/** What is kept of a model beside its files. */
export interface ModelSpec {
  type: ModelType;
  /** As it was given. */
  path: string;
  bytes: number;
  files: number;
  /** Name of the file of a model that is one file. */
  file: string | null;
  flavors: Flavors;
  task: string | null;
  model_name: string | null;
  /** The trial that trained it. */
  trial: string | null;
}

/** What is kept of data: the files stay where they are. */
export interface DataSpec {
  type: DataType;
  path: string;
  /** Absolute. */
  location: string;
  bytes: number;
  files: number;
}

export const modelSpecOf = (row: AssetRow): ModelSpec => row.spec as ModelSpec;
export const dataSpecOf = (row: AssetRow): DataSpec => row.spec as DataSpec;
