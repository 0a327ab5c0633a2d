import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawPhoto } from './photos.ts';
import type { Section } from './results.ts';
import { type Bench, median } from './side.ts';

const FOVEA = fileURLToPath(new URL('../packages/cli/bin/fovea', import.meta.url));
const GOAL = 3;
const IMAGES = 60;

/** From typing a command to what is waited for, set-up being done. */
export async function start(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  try {
    bench.say('start: drawing images');
    const pictures = join(folder, 'pictures');
    for (let i = 0; i < IMAGES; i++) {
      const subject = i % 2 ? 'circles' : 'squares';
      mkdirSync(join(pictures, subject), { recursive: true });
      await drawPhoto(join(pictures, subject, `${i}.jpg`), { width: 500, height: 375, seed: i, subject });
    }
    const train = ['train', pictures, '--model', 'resnet18', '--weights', 'none', '--epochs', '1'];
    bench.say('start: training a model to predict with');
    await seconds(folder, [...train, '--name', 'model'], null);
    const predict = ['predict', 'model', join(pictures, 'circles', '1.jpg')];

    const rows: string[][] = [];
    const measure = async (what: string, run: (round: number) => Promise<number>, goal?: number) => {
      bench.say(`start: ${what}`);
      const times: number[] = [];
      for (let round = 0; round < bench.rounds; round++) times.push(await run(round));
      const [middle, longest] = [median(times), Math.max(...times)].map((time) => `${time.toFixed(2)} s`);
      const missed = goal !== undefined && median(times) >= goal;
      rows.push([what, missed ? `**${middle}**` : middle, longest, goal === undefined ? '' : `< ${goal} s`]);
    };
    await measure('fovea --version', () => seconds(folder, ['--version'], null));
    const firstStep = (round: number) => {
      // In a folder of its own nothing is known yet of the pictures.
      const fresh = join(folder, `round-${round}`);
      mkdirSync(fresh);
      return seconds(fresh, train, /epoch 1\/1/);
    };
    await measure('fovea train, first step', firstStep, GOAL);
    await measure('fovea predict, one image', () => seconds(folder, predict, null));
    return {
      title: 'Start',
      text: `From typing the command, set-up done: ResNet-18 on ${IMAGES} photos of 500 × 375, in a new process each time.`,
      columns: ['command', 'median', 'longest', 'goal'],
      rows,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs `fovea` to its end, on a terminal of its own where a sign of it is waited for. @returns seconds to that, or to the end */
async function seconds(cwd: string, words: readonly string[], sign: RegExp | null): Promise<number> {
  const begun = performance.now();
  // Each step is shown on a terminal only.
  const [command, args] = sign
    ? ['script', ['--quiet', '--return', '--command', [FOVEA, ...words].map(quoted).join(' '), '/dev/null']]
    : [FOVEA, words];
  const env = { ...process.env, TERM: 'xterm' };
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', sign ? 'inherit' : 'pipe'] });
  let said = '';
  let seen: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (sign?.test(said)) seen ??= performance.now();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`fovea ${words.join(' ')} ended with exit code ${code}:\n${said}`);
  if (sign && seen === undefined) throw new Error(`fovea ${words.join(' ')} did not say ${sign}:\n${said}`);
  return ((seen ?? performance.now()) - begun) / 1000;
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
