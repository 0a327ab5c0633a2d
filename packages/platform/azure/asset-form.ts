import { isDeepStrictEqual } from 'node:util';
import { invalid, Refusal } from '../refusal.ts';
import { type DataType, dataSpecOf, dataTypes, modelSpecOf } from '../registry/asset-spec.ts';
import type { EnvironmentSpec } from '../registry/environment.ts';
import { type ModelType, modelTypes } from '../registry/model-kind.ts';
import type { ServerParts } from '../server/app.ts';
import { allows, type Principal } from '../server/tokens.ts';
import type { AssetKind, AssetRow } from '../store/index.ts';
import { checkKeys, requiredText, textIn } from './fields.ts';

/** A version that is to be registered. */
export interface NewAssetRequest {
  readonly parts: ServerParts;
  readonly principal: Principal;
  readonly name: string;
  readonly version: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly description?: string;
  readonly tags?: Record<string, string>;
  readonly properties?: Record<string, string>;
}

/** What one kind of asset has that others have not. */
export interface AssetForm {
  readonly kind: AssetKind;
  readonly collection: string;
  /** Properties of a version besides those that all have. */
  readonly keys: readonly string[];
  /** The type that a container's properties say. */
  containerType(given: Readonly<Record<string, unknown>>): string | undefined;
  answer(row: AssetRow): object;
  /** @throws Refusal when a request says of a version what it is not */
  requireSame(row: AssetRow, given: Readonly<Record<string, unknown>>): void;
  create(request: NewAssetRequest): Promise<void>;
}

/** Owners may name any file of the server's machine. */
const where = ({ role }: Principal) => ({ baseFolder: null, anywhere: allows(role, 'owner') });

const differs = (row: AssetRow, key: string) =>
  new Refusal(
    'conflict',
    'VersionExists',
    `version ${row.version} of ${row.name} is there with another ${key}, and versions do not change; register another version`,
    { target: `properties.${key}` },
  );

/** What is local to the server's machine has an address there. */
const addressOf = (path: string, location: string) =>
  /^(azureml|runs|file):/i.test(path) ? path : `file://${encodeURI(location)}`;

function oneOf<Word extends string>(words: readonly Word[], text: string | undefined, key: string): Word | undefined {
  if (text === undefined || words.includes(text as Word)) return text as Word | undefined;
  throw invalid(`${key} should be ${words.join(', ')}, not ${JSON.stringify(text.slice(0, 100))}`, `properties.${key}`);
}

const dataTypeIn = (given: Readonly<Record<string, unknown>>): DataType => {
  const type = oneOf(dataTypes, textIn(given, 'dataType'), 'dataType');
  if (type !== undefined) return type;
  throw invalid(`dataType is missing: ${dataTypes.join(', ')}`, 'properties.dataType');
};

export const dataForm: AssetForm = {
  kind: 'data',
  collection: 'data',
  keys: ['dataType', 'dataUri', 'referencedUris'],
  containerType: dataTypeIn,
  answer(row) {
    const { type, path, location } = dataSpecOf(row);
    return { dataType: type, dataUri: addressOf(path, location), ...(type === 'mltable' && { referencedUris: [] }) };
  },
  requireSame(row, given) {
    const { type, path, location } = dataSpecOf(row);
    const uri = textIn(given, 'dataUri');
    if (uri !== undefined && uri !== path && uri !== addressOf(path, location)) throw differs(row, 'dataUri');
    if (dataTypeIn(given) !== type) throw differs(row, 'dataType');
  },
  async create({ parts, principal, given, ...asset }) {
    const type = dataTypeIn(given);
    if (Array.isArray(given.referencedUris) && given.referencedUris.length > 0) {
      throw invalid('referencedUris are found in the MLTable itself; leave them out', 'properties.referencedUris');
    }
    const path = requiredText(given, 'dataUri', 'where the data is');
    await parts.registry.createData({ ...asset, type, path }, where(principal));
  },
};

export const modelForm: AssetForm = {
  kind: 'model',
  collection: 'models',
  keys: ['modelType', 'modelUri', 'jobName', 'flavors'],
  containerType: () => undefined,
  answer(row) {
    const { type, flavors, trial } = modelSpecOf(row);
    return {
      ...{ modelType: type, modelUri: modelUri(row), flavors, jobName: trial ?? row.job },
      fovea: { sha256: row.content_hash, job: row.job, trial, data: row.data },
    };
  },
  requireSame(row, given) {
    const { type, trial } = modelSpecOf(row);
    const uri = textIn(given, 'modelUri');
    if (uri !== undefined && uri !== modelUri(row)) throw differs(row, 'modelUri');
    const asked = textIn(given, 'modelType');
    if (asked !== undefined && asked !== type) throw differs(row, 'modelType');
    const job = textIn(given, 'jobName');
    if (job !== undefined && job !== trial && job !== row.job) throw differs(row, 'jobName');
  },
  async create({ parts, principal, given, ...asset }) {
    const type = oneOf<ModelType>(modelTypes, textIn(given, 'modelType'), 'modelType');
    const path = requiredText(
      given,
      'modelUri',
      'where its files are, as azureml://jobs/<trial>/outputs/artifacts/outputs/mlflow-model/',
    );
    const row = await parts.registry.createModel(
      { ...asset, path, ...(type !== undefined && { type }) },
      where(principal),
    );
    const job = textIn(given, 'jobName');
    if (job === undefined || job === modelSpecOf(row).trial || job === row.job) return;
    await parts.registry.delete('model', row.name, row.version);
    const left = row.job === null ? 'no job' : `${row.job}`;
    throw invalid(
      `jobName is ${JSON.stringify(job.slice(0, 300))}, but the files are from ${left}`,
      'properties.jobName',
    );
  },
};

/** An address that means this very version, where the one that it came from means nothing to others. */
const modelUri = (row: AssetRow): string => {
  const { path } = modelSpecOf(row);
  return /^(azureml|runs):/i.test(path) ? path : `azureml:${row.name}:${row.version}`;
};

const environmentKeys = ['autoRebuild', 'build', 'condaFile', 'image', 'inferenceConfig', 'osType'] as const;

/** Environments are kept for those who look them up: what runs here runs in Fovea's own. */
export const environmentForm: AssetForm = {
  kind: 'environment',
  collection: 'environments',
  keys: [...environmentKeys, 'environmentType', 'stage', 'provisioningState'],
  containerType: () => undefined,
  answer: (row) => ({ ...row.spec, environmentType: 'UserCreated' }),
  requireSame(row, given) {
    const before = row.spec as Record<string, unknown>;
    const now = environmentIn(given) as Record<string, unknown>;
    for (const key of Object.keys(now)) if (!isDeepStrictEqual(now[key], before[key])) throw differs(row, key);
  },
  async create({ parts, principal: _, given, ...environment }) {
    await parts.registry.createEnvironment({ ...environment, spec: environmentIn(given) });
  },
};

function environmentIn(given: Readonly<Record<string, unknown>>): EnvironmentSpec {
  const spec: Record<string, unknown> = {};
  for (const key of ['autoRebuild', 'condaFile', 'image', 'osType'] as const) {
    const text = textIn(given, key);
    if (text !== undefined) spec[key] = text;
  }
  oneOf(['Linux', 'Windows'], spec.osType as string | undefined, 'osType');
  for (const [key, known] of [
    ['build', ['contextUri', 'dockerfilePath']],
    ['inferenceConfig', ['livenessRoute', 'readinessRoute', 'scoringRoute']],
  ] as const) {
    const value = given[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${key} should be a map`, `properties.${key}`);
    checkKeys(value as Record<string, unknown>, known, `properties.${key}`);
    spec[key] = value;
  }
  return spec;
}
