import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from '@fovea/automl/runs';

type Answer = Readonly<Record<string, unknown>>;

/**
 * Writes the pictures and numbers that explain an answer, and puts their names in their place: an answer stays readable.
 * @param folder of the explanations, in that of the results
 * @param number of the picture in the whole input, from 0
 */
export async function keepExplanation(answer: Answer, folder: string, number: number): Promise<Answer> {
  const { visualizations, attributions, ...rest } = answer;
  if (visualizations === undefined && attributions === undefined) return answer;
  mkdirSync(folder, { recursive: true });
  const lead = String(number + 1).padStart(6, '0');
  const keep = async (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    await replaceFile(path, content);
    return `${basename(dirname(path))}/${name}`;
  };
  const kept: Record<string, unknown> = { ...rest };
  if (typeof visualizations === 'string') {
    kept.visualizations = await keep(`${lead}.png`, Buffer.from(visualizations, 'base64'));
  } else if (Array.isArray(visualizations)) {
    const names = [];
    for (const [i, picture] of visualizations.entries()) {
      names.push(await keep(`${lead}-${i + 1}.png`, Buffer.from(String(picture), 'base64')));
    }
    kept.visualizations = names;
  }
  if (attributions !== undefined) kept.attributions = await keep(`${lead}.json`, `${JSON.stringify(attributions)}\n`);
  return kept;
}
