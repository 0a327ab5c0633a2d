import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseWatch } from './lease-watch.ts';

/** A watch with a clock of the test's own. `look(s)` looks once a second for s seconds and tells what the last look said. */
function watching(isGone: (token: string) => boolean = () => false) {
  const time = { now: 1e6 };
  const watch = new LeaseWatch({ now: () => time.now, isGone });
  const lease = { owner: 'a' as string | null, beat: 1 };
  const look = (seconds: number, beating = false) => {
    let lapsed = watch.lapsed('job/lynx', lease);
    for (let second = 0; second < seconds; second++) {
      time.now += 1000;
      if (beating) lease.beat++;
      lapsed = watch.lapsed('job/lynx', lease);
    }
    return lapsed;
  };
  return { time, watch, lease, look };
}

test('a lease that beats is left alone, one that is quiet for ten seconds is not', () => {
  const { look } = watching();
  assert.equal(look(60, true), false);
  assert.equal(look(9), false);
  assert.equal(look(1), true);
});

test('the first look decides nothing, however old the lease may be', () => {
  const { look } = watching();
  assert.equal(look(0), false);
});

test('another owner, or a beat, begins the ten seconds anew', () => {
  const { look, lease } = watching();
  look(9);
  lease.owner = 'b';
  assert.equal(look(9), false);
  lease.beat++;
  assert.equal(look(9), false);
  assert.equal(look(1), true);
});

test('a lease that nobody holds, or whose process is gone, may be taken at once', () => {
  assert.equal(watching((token) => token === 'a').look(0), true);
  const { lease, look } = watching();
  lease.owner = null;
  assert.equal(look(0), true);
});

test('wall clocks that jump change nothing', (t) => {
  const watch = new LeaseWatch({ isGone: () => false });
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01') });
  const lease = { owner: 'a', beat: 1 };
  watch.lapsed('job/lynx', lease);
  t.mock.timers.setTime(Date.parse('2036-01-01'));
  assert.equal(watch.lapsed('job/lynx', lease), false);
  t.mock.timers.setTime(Date.parse('2016-01-01'));
  assert.equal(watch.lapsed('job/lynx', lease), false);
});

test('an observer that slept an hour takes nobody for dead when it wakes up', () => {
  const { look, time } = watching();
  look(3);
  time.now += 3_600_000;
  assert.equal(look(0), false);
  assert.equal(look(4), false);
  assert.equal(look(1), true);
});

test('what is forgotten begins anew', () => {
  const { look, watch } = watching();
  look(9);
  watch.forget('job/lynx');
  assert.equal(look(9), false);
});
