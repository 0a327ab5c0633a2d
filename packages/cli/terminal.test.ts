// What is seen and typed on a terminal.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { fovea, type Stage, stagedCommand } from './fixtures/staged-command.ts';

const { folder, run, remove } = stagedCommand();
after(remove);

/** The command on a terminal of its own, which is typed into when it says something. */
async function onTerminal(
  args: string,
  stage: Stage,
  typed: string,
  when: RegExp,
): Promise<{ code: number | null; shown: string }> {
  const command = `stty columns 90 rows 24; '${process.execPath}' '${fovea}' ${args}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    // In what it takes for CI, Node expects no colours.
    env: {
      ...process.env,
      TERM: 'xterm-256color',
      NO_COLOR: undefined,
      CI: undefined,
      FOVEA_STAGE: JSON.stringify(stage),
    },
  });
  let shown = '';
  let hasTyped = typed === '';
  child.stdout.on('data', (data) => {
    shown += data;
    if (hasTyped || !when.test(shown)) return;
    hasTyped = true;
    child.stdin.write(typed);
  });
  const [code] = await once(child, 'close');
  return { code, shown };
}

const noTerminal = spawnSync('script', ['--version']).error
  ? 'no script command here to make a pseudo-terminal with'
  : false;

test('on a terminal the line is redrawn in place and the cursor comes back', { skip: noTerminal }, async () => {
  const { code, shown } = await onTerminal('train pictures -n live', { milliseconds: 10, steps: 60 }, '', /never/);
  assert.equal(code, 0);
  assert.ok(shown.includes('\x1b[?25l') && shown.lastIndexOf('\x1b[?25h') > shown.lastIndexOf('\x1b[?25l'));
  assert.ok(shown.includes('\x1b[36m━'), 'in colour');
  const lines = shown.split(/[\r\n]+/).map(stripVTControlCharacters);
  const drawn = lines.filter((line) => /epoch [12]\/2 +━+ +\d+ % .*left/.test(line));
  assert.ok(drawn.length >= 3 && drawn.length <= 120, `drawn ${drawn.length} times for 120 steps`);
  assert.ok(drawn.every((line) => line.length < 90));
  assert.match(lines.at(-3) ?? '', /try +fovea predict live photo\.jpg/);
  assert.match(lines.at(-2) ?? '', /deploy +fovea deploy live/);
});

test('Ctrl-C on a terminal: at train it ends the job, at stream the showing', { skip: noTerminal }, async () => {
  const long = { milliseconds: 20, steps: 1000 };
  const cut = await onTerminal('train pictures -n cut', long, '\x03', /epoch 1/);
  assert.equal(cut.code, 130);
  assert.ok(cut.shown.lastIndexOf('\x1b[?25h') > cut.shown.lastIndexOf('\x1b[?25l'));
  assert.match(cut.shown, /fovea job resume --name cut/);

  await run(['job', 'create', '-f', 'job.yml', '-n', 'shown_only'], long);
  const seen = await onTerminal('job stream -n shown_only', {}, '\x03', /epoch 1/);
  assert.equal(seen.code, 130);
  assert.match(seen.shown, /shown_only goes on without being watched/);
  assert.equal((await run(['job', 'show', '-n', 'shown_only', '--query', 'status'])).out, '"Running"\n');
  assert.equal((await run(['job', 'cancel', '-n', 'shown_only'])).code, 0);
});

test('several trials on a terminal have a line each, and one says how the whole stands', {
  skip: noTerminal,
}, async () => {
  const stage = { trials: 3, milliseconds: 30, steps: 60, epochs: 2 };
  const { code, shown } = await onTerminal('train pictures -n lines', stage, '', /never/);
  assert.equal(code, 0);
  assert.match(
    stripVTControlCharacters(shown),
    /trial 1\/3 {2}epoch .*\r\n {2}trial 2\/3 {2}epoch .*\r\n {2}trial 3\/3 {2}epoch .*\r\n {2}0 of 3 trials done/,
  );
  assert.match(shown, /1 of 3 trials done · best accuracy 0\.910 \(trial 1\)/);
});

test('NO_COLOR is honoured', async (t) => {
  if (spawnSync('script', ['--version']).error) return t.skip('no script command here to make a pseudo-terminal with');
  const command = `'${process.execPath}' '${fovea}' train pictures -n plainer`;
  const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '1' },
  });
  assert.ok(stdout.includes('\x1b[2K') && !stdout.includes('\x1b[3'), 'the line is redrawn, without colours');
});
