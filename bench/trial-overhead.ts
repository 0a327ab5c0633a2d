import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJob } from '@fovea/automl';
import { openWorkspace } from '@fovea/platform';
import { drawPhoto } from './photos.ts';
import type { Section } from './results.ts';
import { type Bench, median } from './side.ts';

const GOAL = 2;
const IMAGES = 60;

/** What a trial costs besides its training, set-up being done: images are known, and the arithmetic was chosen. */
export async function trialOverhead(bench: Bench): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));
  const workspace = await openWorkspace({ folder: join(folder, 'workspace'), database: '' });
  try {
    bench.say('trial-overhead: drawing images');
    for (let i = 0; i < IMAGES; i++) {
      const subject = i % 2 ? 'circles' : 'squares';
      mkdirSync(join(folder, 'pictures', subject), { recursive: true });
      await drawPhoto(join(folder, 'pictures', subject, `${i}.jpg`), { width: 500, height: 375, seed: i, subject });
    }
    const times: Times[] = [];
    for (let round = 0; round <= bench.rounds; round++) {
      bench.say(`trial-overhead: ${round === 0 ? 'warming up' : `round ${round}`}`);
      const measured = await run(round);
      if (round > 0) times.push(measured);
    }
    const rows = Object.entries(names).map(([key, what]) => {
      const all = times.map((one) => one[key as keyof Times]);
      const words = `${median(all).toFixed(2)} s`;
      // The next trial begins when the last one is recorded: that is both together.
      const goal = key === 'next' ? 2 * GOAL : GOAL;
      return [what, median(all) < goal ? words : `**${words}**`, `${Math.max(...all).toFixed(2)} s`, `< ${goal} s`];
    });
    return {
      title: 'Overhead of a trial',
      text: `Two trials of ResNet-18 at 64 px, one after the other, on ${IMAGES} photos, each in a process of its own. What follows the last step is an evaluation, the checkpoint, and the export with its check.`,
      columns: ['from → to', 'median', 'longest', 'goal'],
      rows,
    };
  } finally {
    await workspace.close();
    rmSync(folder, { recursive: true, force: true });
  }

  async function run(round: number): Promise<Times> {
    const name = `round_${round}`;
    const text = `type: automl
task: image_classification
name: ${name}
target_column_name: label
training_data: {path: pictures}
limits: {max_trials: 2}
sweep: {sampling_algorithm: random}
search_space: [{learning_rate: {type: uniform, min_value: 0.001, max_value: 0.01}}]
training_parameters: {model_name: resnet18, number_of_epochs: 1, training_batch_size: 16, training_crop_size: 64, validation_crop_size: 64, validation_resize_size: 72}
`;
    const { job, issues } = parseJob(text, { file: 'job.yml' });
    if (!job) throw new Error(JSON.stringify(issues));
    const begun = performance.now();
    const at = { firstStep: [0, 0], lastStep: [0, 0] };
    await workspace.submit(job, { baseFolder: folder, weights: 'none' });
    const record = await workspace.watch(name, {
      onEvent(event, trial) {
        if (event.type !== 'step') return;
        const number = trial?.endsWith('_1') ? 1 : 0;
        at.firstStep[number] ||= performance.now();
        at.lastStep[number] = performance.now();
      },
    });
    const ended = performance.now();
    if (record.status !== 'Completed') throw new Error(record.error);
    return {
      begin: (at.firstStep[0] - begun) / 1000,
      next: (at.firstStep[1] - at.lastStep[0]) / 1000,
      end: (ended - at.lastStep[1]) / 1000,
    };
  }
}

interface Times {
  begin: number;
  next: number;
  end: number;
}

const names: Record<keyof Times, string> = {
  begin: 'submission → first step',
  end: 'last step → recorded',
  next: 'last step → first step of the next trial',
};
