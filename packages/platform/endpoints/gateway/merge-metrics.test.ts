import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeMetrics } from './merge-metrics.ts';

test('each metric stands once, with the samples of all sources under it', () => {
  const gateway = '# HELP up 1 while it is up\n# TYPE up gauge\nup 1\n';
  const one = [
    '# HELP up 1 while it is up',
    '# TYPE up gauge',
    'up 1',
    '# HELP t_seconds Time',
    '# TYPE t_seconds histogram',
    't_seconds_bucket{le="1"} 2',
    't_seconds_bucket{le="+Inf"} 3',
    't_seconds_sum 1.5',
    't_seconds_count 3',
    'half a li',
    '<html>',
  ].join('\n');
  const merged = mergeMetrics([
    { text: gateway, labels: {} },
    { text: one, labels: { deployment: 'a"b', instance: '0' } },
    { text: one, labels: { deployment: 'a"b', instance: '1' } },
  ]);
  const labels = (instance: number) => `deployment="a\\"b",instance="${instance}"`;
  assert.equal(
    merged,
    [
      ...['# HELP up 1 while it is up', '# TYPE up gauge', 'up 1', `up{${labels(0)}} 1`, `up{${labels(1)}} 1`],
      ...['# HELP t_seconds Time', '# TYPE t_seconds histogram'],
      ...[0, 1].flatMap((n) => [
        ...[`t_seconds_bucket{le="1",${labels(n)}} 2`, `t_seconds_bucket{le="+Inf",${labels(n)}} 3`],
        ...[`t_seconds_sum{${labels(n)}} 1.5`, `t_seconds_count{${labels(n)}} 3`],
      ]),
      '',
    ].join('\n'),
  );
});
