import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import fc from 'fast-check';
import { endpointEditorSchema } from './editor-schema.ts';
import {
  checkBatchDeployment,
  checkBatchEndpoint,
  checkOnlineDeployment,
  checkOnlineEndpoint,
  readBatchDeployment,
  readBatchEndpoint,
  readOnlineDeployment,
  readOnlineEndpoint,
  specKinds,
} from './index.ts';

const readers = [readOnlineEndpoint, readOnlineDeployment, readBatchEndpoint, readBatchDeployment];
const checks = {
  'online-endpoint': checkOnlineEndpoint,
  'online-deployment': checkOnlineDeployment,
  'batch-endpoint': checkBatchEndpoint,
  'batch-deployment': checkBatchDeployment,
};
const keysOf = (kind: keyof typeof checks) => Object.keys(endpointEditorSchema(kind).properties as object);
const words = [
  ...new Set(specKinds.flatMap(keysOf)),
  'blue',
  'azureml:pets:1',
  'azureml:',
  'enabled',
  'code_configuration',
];
const signs =
  ': |- |\n|  |    |{|}|[|]|,|\t|"|\'|*a |&a |<<: |null|1|-0.5|.nan|.inf|!!set |? |# |%|---\n|target_utilization|>\n|\u{1F600}'.split(
    '|',
  );
const head = 'name: blue\nendpoint_name: pets\nmodel: azureml:pets:1\n';

const yamlish = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...words, ...signs), { maxLength: 60 }).map((parts) => parts.join('')),
);

const isFailed = (problems: readonly { severity?: string }[]) =>
  problems.some(({ severity = 'error' }) => severity === 'error');

test('whatever the text, it is a report or a right file of its kind, never an exception', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...readers),
      yamlish,
      fc.boolean(),
      fc.array(yamlish, { maxLength: 2 }),
      (read, text, withHead, set) => {
        const { value, issues } = read(withHead ? head + text : text, { file: 'e.yml', set });
        assert.equal(value === null, isFailed(issues));
        assert.equal(typeof formatIssues(issues), 'string');
      },
    ),
    { seed: 7041, numRuns: 4000 },
  );
});

test('whatever stands under a key, it is a report or a right value', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  for (const kind of specKinds) {
    const keys = fc.dictionary(fc.oneof(fc.constantFrom(...keysOf(kind)), fc.string()), value);
    const base = kind.endsWith('-endpoint')
      ? { name: 'pets' }
      : { name: 'blue', endpoint_name: 'pets', model: 'azureml:m:1' };
    fc.assert(
      fc.property(keys, (given) => {
        const { value, problems } = checks[kind]({ ...base, ...given });
        assert.equal(value === null, isFailed(problems));
      }),
      { seed: 7041, numRuns: 500 },
    );
  }
});
