import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './failure.ts';
import { percentsOf, withAdded, withRemoved } from './spec-changes.ts';

const base = { tags: { owner: 'me', a: '1' }, identity: { ids: ['x', 'y'] }, count: 2 };

test('--add puts entries into the map or list that it names', () => {
  assert.deepEqual(withAdded(base, ['tags', 'more=true', 'owner=you', 'identity.ids', 'z'], false), {
    ...base,
    tags: { owner: 'you', a: '1', more: true },
    identity: { ids: ['x', 'y', 'z'] },
  });
  assert.deepEqual(withAdded(base, ['tags', '{"b": 1}', 'c=2'], true), {
    ...base,
    tags: { owner: 'me', a: '1', b: 1, c: '2' },
  });
  assert.deepEqual(base.tags, { owner: 'me', a: '1' });
});

test('--remove takes entries out, by their path or by a path and the rest', () => {
  const left = { ...base, tags: { a: '1' } };
  assert.deepEqual(withRemoved(base, ['tags.owner']), left);
  assert.deepEqual(withRemoved(base, ['tags', 'owner']), left);
  assert.deepEqual(withRemoved(base, ['identity.ids', '0']), { ...base, identity: { ids: ['y'] } });
  assert.deepEqual(withRemoved(base, ['count', 'tags.a']), { tags: { owner: 'me' }, identity: base.identity });
});

test('what cannot be added or removed is said', () => {
  for (const words of [['owner=me'], ['count', 'a=1'], ['tags', 'owner'], ['tags', '__proto__=1']])
    assert.throws(() => withAdded(base, words, false), UsageError, words.join(' '));
  for (const words of [['tag'], ['tags', 'b', 'c'], ['tags.owner.x'], ['__proto__']])
    assert.throws(() => withRemoved(base, words), UsageError, words.join(' '));
});

test('traffic is pairs of deployments and percents', () => {
  assert.deepEqual(percentsOf(['blue=90 green=10'], '--traffic'), { blue: 90, green: 10 });
  assert.deepEqual(percentsOf(['blue=90', 'green=10%'], '--traffic'), { blue: 90, green: 10 });
  assert.deepEqual(percentsOf([''], '--traffic'), {});
  for (const words of [['blue'], ['blue=ten'], ['=5'], ['blue=-5'], ['blue=50 blue=50']])
    assert.throws(() => percentsOf(words, '--traffic'), UsageError, words.join(' '));
});
