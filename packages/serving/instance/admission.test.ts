import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';
import { RequestError } from './request-error.ts';

const { signal: never } = new AbortController();
const refused = (status: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RequestError);
  assert.equal(error.status, status);
  assert.match(error.message, message);
  assert.ok((error.retryAfter ?? 0) >= 1);
  return true;
};

test('so many are let in; the others follow in the order of their coming', async () => {
  const admission = new Admission({ most: 2, mostWaiting: 10, longestWait: 10_000 });
  const order: number[] = [];
  const leave = [await admission.enter(never), await admission.enter(never)];
  const waiting = [0, 1, 2].map(async (i) => {
    const leaves = await admission.enter(never);
    order.push(i);
    return leaves;
  });
  assert.deepEqual([admission.inside, admission.waiting], [2, 3]);
  leave[0]();
  // Its place is given away already.
  const late = admission.enter(never);
  (await waiting[0])();
  (await waiting[1])();
  assert.deepEqual([admission.inside, admission.waiting], [2, 1]);
  leave[1]();
  (await late)();
  (await waiting[2])();
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual([admission.inside, admission.waiting], [0, 0]);
});

test('who waits too long is sent away, and who would be one too many', async () => {
  const admission = new Admission({ most: 1, mostWaiting: 1, longestWait: 20 });
  const leave = await admission.enter(never);
  const waiting = admission.enter(never);
  assert.throws(() => admission.requireRoom(), refused(429, /1 request is waiting already; try again in 1 s/));
  await assert.rejects(admission.enter(never), refused(429, /works on 1 request at once/));
  await assert.rejects(waiting, refused(429, /waited 20 ms/));
  leave();
  admission.requireRoom();
  (await admission.enter(never))();
  assert.equal(admission.inside, 0);
});

test('who goes away waits no more', async () => {
  const admission = new Admission({ most: 1, mostWaiting: 5, longestWait: 10_000 });
  const leave = await admission.enter(never);
  const going = new AbortController();
  const waiting = admission.enter(going.signal);
  going.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(admission.enter(going.signal), /gone/);
  leave();
  assert.deepEqual([admission.inside, admission.waiting], [0, 0]);
});
