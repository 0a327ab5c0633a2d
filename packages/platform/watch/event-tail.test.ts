import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RunEvent } from '@fovea/automl/runs';
import { appendEvent, eventFiles, writeEvents } from './event-files.ts';
import { EventTail } from './event-tail.ts';

const folder = mkdtempSync(join(tmpdir(), 'fovea-events-'));
after(() => rmSync(folder, { recursive: true }));

const log = (message: string): RunEvent => ({ type: 'log', level: 'info', message });
const epoch = (number: number): RunEvent => ({
  ...{ type: 'epoch', trial: 't', epoch: number, epochs: 9, metrics: {}, improved: true },
});
const step = (number: number): RunEvent => ({
  ...{ type: 'step', trial: 't', epoch: 1, epochs: 1, step: number, steps: 9 },
  ...{ imagesPerSecond: 1, loss: 1, etaSeconds: 1, metricName: 'accuracy' },
});
const messages = async (tail: EventTail) =>
  (await tail.more()).map(({ event }) => (event.type === 'log' ? event.message : event.type));

test('what is written is read as it grows, and half a line when it is whole', async () => {
  const place = join(folder, 'grows');
  const tail = new EventTail(place);
  assert.deepEqual(await messages(tail), [], 'nothing is there yet');
  appendEvent(place, log('one'));
  assert.deepEqual(await messages(tail), ['one']);
  const line = JSON.stringify({ time: '2026', event: log('two ·') });
  appendFileSync(eventFiles(place).events, line.slice(0, 30));
  assert.deepEqual(await messages(tail), []);
  appendFileSync(eventFiles(place).events, `${line.slice(30)}\n`);
  appendEvent(place, log('three'));
  assert.deepEqual(await messages(tail), ['two ·', 'three']);
  assert.deepEqual(await messages(new EventTail(place)), ['one', 'two ·', 'three'], 'whoever comes late');
});

test('a line that a killed process left unfinished is taken away by the next one', async () => {
  const place = join(folder, 'killed');
  writeEvents(place).write(log('before'));
  appendFileSync(eventFiles(place).events, '{"time": "2026", "event": {"ty');
  const writer = writeEvents(place);
  writer.write(log('after'));
  writer.close();
  assert.deepEqual(await messages(new EventTail(place)), ['before', 'after']);
});

test('an epoch that is trained again is told once', async () => {
  const place = join(folder, 'again');
  const tail = new EventTail(place);
  for (const number of [1, 2, 2, 3]) appendEvent(place, epoch(number));
  assert.deepEqual(
    (await tail.more()).map(({ event }) => event.type === 'epoch' && event.epoch),
    [1, 2, 3],
  );
});

test('times never go back within a file', async () => {
  const place = join(folder, 'clock');
  appendEvent(place, log('one'));
  const lines = ['2026-05-02', '2026-05-01', '2026-05-03'].map(
    (time) => `${JSON.stringify({ time, event: log(time) })}\n`,
  );
  writeFileSync(eventFiles(place).events, lines.join(''));
  assert.deepEqual(
    (await new EventTail(place).more()).map(({ time }) => time),
    ['2026-05-02', '2026-05-02', '2026-05-03'],
  );
});

test('of steps there is the latest, at most four a second, until the trial ends', async () => {
  const place = join(folder, 'steps');
  const tail = new EventTail(place);
  assert.equal(await tail.step(), null);
  const writer = writeEvents(place);
  assert.equal(await tail.step(), null, 'no step yet');
  writer.write(step(1));
  writer.write(step(2));
  assert.deepEqual(await tail.step(), step(1));
  assert.equal(await tail.step(), null, 'nothing new');
  await new Promise((resolve) => setTimeout(resolve, 260));
  writer.write(step(3));
  assert.deepEqual(await tail.step(), step(3));
  assert.deepEqual(await tail.more(), [], 'steps are not kept');
  writer.close();
  assert.equal(existsSync(eventFiles(place).step), false);
});
