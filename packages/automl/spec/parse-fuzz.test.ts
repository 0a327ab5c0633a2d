import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssues } from '@fovea/data';
import fc from 'fast-check';
import { jobSchema } from './job.ts';
import { parseJob } from './parse.ts';
import { tasks } from './tasks.ts';

const head = `type: automl
task: image_classification
target_column_name: label
training_data: {path: data, type: mltable}
`;

const yamlish = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        ...'type task automl image_classification search_space sweep limits training_parameters model_name resnet18 learning_rate'.split(
          ' ',
        ),
        ...': |- |\n|  |    |{|}|[|]|,|\t|"|\'|*a |&a |<<: |null|1|-0.5|.nan|.inf|!!set |? |# |%|---\n|choice(|uniform(|)|>\n|\u{1F600}'.split(
          '|',
        ),
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join('')),
);

test('whatever the text, it is a report or a job, never an exception', () => {
  fc.assert(
    fc.property(yamlish, fc.boolean(), fc.array(yamlish, { maxLength: 2 }), (text, withHead, set) => {
      const { job, issues } = parseJob(withHead ? head + text : text, { file: 'job.yml', set });
      assert.equal(
        job === null,
        issues.some(({ severity }) => severity === 'error'),
      );
      assert.equal(typeof formatIssues(issues), 'string');
    }),
    { numRuns: 3000 },
  );
});

test('whatever stands under a key, it is a report or a job', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const keys = Object.keys(jobSchema(undefined).shape);
  fc.assert(
    fc.property(fc.constantFrom(...tasks), fc.dictionary(fc.constantFrom(...keys), value), (task, given) => {
      const base = { type: 'automl', task, target_column_name: 'label', training_data: { path: 'x' } };
      const { job, issues } = parseJob(JSON.stringify({ ...base, ...given }), { file: 'job.yml' });
      assert.equal(
        job === null,
        issues.some(({ severity }) => severity === 'error'),
      );
    }),
    { numRuns: 1000 },
  );
});
