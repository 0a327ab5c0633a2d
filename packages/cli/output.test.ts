import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './failure.ts';
import { type OutputFormat, resultWriter } from './output.ts';
import type { Channel } from './terminal.ts';

const jobs = [
  { name: 'amber_lynx', status: 'Completed', metrics: { accuracy: 0.96 }, trials: [{}, {}], score: 0.96, done: true },
  { name: 'blue_\x1bowl', status: 'Running', metrics: {}, trials: [], score: 10, done: false, model: null },
];

/** Characters of which a JSON or YAML text has none but its line ends. */
const obeyed = /[\p{Cc}\u202e\u2028]/u;

async function written(
  value: unknown,
  output: OutputFormat,
  query?: string,
  colours = false,
  isTerminal = false,
): Promise<string> {
  let text = '';
  const out: Channel = {
    isTerminal,
    columns: () => 80,
    paint: (style, words) => (colours ? `<${style}>${words}</>` : words),
    write(more) {
      text += more;
    },
  };
  const write = await resultWriter(out, query === undefined ? { output } : { output, query });
  await write(value);
  return text;
}

test('json reads back as what was given, and holds no character that a terminal would obey', async () => {
  const text = await written([{ name: 'a\x1b\u009b\u202e' }], 'json');
  assert.match(text, /^\[\n {2}\{\n {4}"name"/);
  assert.ok(!obeyed.test(text.replaceAll('\n', '')));
  assert.deepEqual(JSON.parse(text), [{ name: 'a\x1b\u009b\u202e' }]);
});

test('yaml reads back too', async () => {
  const { parse } = await import('yaml');
  const odd = [...jobs, { 'key\u202e': 'a\u009bb', plain: 'c\u2028d' }];
  const text = await written(odd, 'yaml');
  assert.ok(!obeyed.test(text.replaceAll('\n', '')));
  assert.deepEqual(parse(text), JSON.parse(JSON.stringify(odd)));
});

test('the coloured forms colour keys and values', async () => {
  assert.equal(
    await written({ a: 'x', b: 1.5e-3, c: null }, 'jsonc', undefined, true),
    '{\n  <cyan>"a"</>: <green>"x"</>,\n  <cyan>"b"</>: <magenta>0.0015</>,\n  <cyan>"c"</>: <yellow>null</>\n}\n',
  );
  assert.equal(await written([{ a: { b: 1 } }], 'yamlc', undefined, true), '- <cyan>a:</>\n    <cyan>b:</> 1\n');
});

test('on a terminal a row of a table is one line', async () => {
  const because = 'it is one of the long reasons, as searches have them. '.repeat(3);
  const [head, , row, ...none] = (await written([{ name: 'a', because }], 'table', undefined, false, true)).split('\n');
  assert.deepEqual([head, row?.length, row?.at(-1), none.length], ['Name  Because', 80, '…', 1]);
  assert.ok((await written([{ name: 'a', because }], 'table')).includes(because.trim()));
});

test('a table has the scalars of each object, numbers to the right', async () => {
  assert.equal(
    await written(jobs, 'table'),
    [
      'Name            Status     Score  Done',
      '--------------  ---------  -----  -----',
      'amber_lynx      Completed   0.96  true',
      'blue_\\u001bowl  Running       10  false',
      '',
    ].join('\n'),
  );
});

test('tsv has the values only, and the size of lists', async () => {
  assert.equal(
    await written(jobs, 'tsv'),
    'amber_lynx\tCompleted\t\t2\t0.96\ttrue\nblue_\\u001bowl\tRunning\t\t0\t10\tfalse\t\n',
  );
  assert.equal(await written(jobs, 'tsv', '[].name'), 'amber_lynx\nblue_\\u001bowl\n');
  assert.equal(await written(jobs, 'tsv', '[].[name, status]'), 'amber_lynx\tCompleted\nblue_\\u001bowl\tRunning\n');
});

test('a query picks before the format', async () => {
  assert.equal(
    await written(jobs, 'table', '[].{Name: name, Jobstatus: status} | [:1]'),
    'Name        Jobstatus\n----------  ---------\namber_lynx  Completed\n',
  );
  assert.equal(await written(jobs, 'json', '[0].status'), '"Completed"\n');
  assert.equal(await written(jobs, 'json', '[7].status'), '', 'nothing found, nothing written');
});

test('a query that is none is found out before the work', async () => {
  const out: Channel = { isTerminal: false, columns: () => 80, paint: (_, words) => words, write() {} };
  await assert.rejects(resultWriter(out, { output: 'json', query: '[].{' }), UsageError);
});

test('none writes nothing', async () => {
  assert.equal(await written(jobs, 'none'), '');
});
