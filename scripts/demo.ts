// npm run demo: draws a small set, trains on it as `fovea job create` does, and shows what the model learned.
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobRecord } from '@fovea/platform';
import { loadModel, topLabels } from '@fovea/serving';
import { type Answer, confusionMatrix } from '../examples/confusion-matrix.ts';
import { contactSheet } from '../examples/contact-sheet.ts';
import { drawShapes, shapes } from '../examples/draw-shapes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const jobFile = 'examples/shapes/job.yml';
const dataFolder = 'examples/shapes/data';
const pictureFile = 'examples/shapes/predictions.png';

const { images, classes, drawn } = await drawShapes(resolve(dataFolder), shapes);
console.log(`  ${dataFolder}   ${images} images of ${classes} classes${drawn ? ', just drawn' : ''}`);
console.log(`\n$ npx fovea job create --file ${jobFile} --weights none --stream`);

const record = await trainJob();
if (record === null || record.model === null) process.exit();

const answers = await predictValidation(record.model);
const labels = [...new Set(answers.map(({ label }) => label))].sort();
console.log(`\n  What the exported model, on ONNX Runtime, says of the ${answers.length} validation images:\n`);
console.log(confusionMatrix(answers, labels, { colours: process.stdout.isTTY && process.stdout.hasColors() }));
await writeFile(pictureFile, await contactSheet(answers, labels));

const doubtful = answers.reduce((least, answer) => (answer.probability < least.probability ? answer : least));
console.log(`
  picture of all predictions    ${pictureFile}

  Try next
    npx fovea predict ${record.name} ${relative(root, doubtful.file)}
    npx fovea job create --file ${jobFile} --set training_parameters.model_name=mobilenetv2 --stream
    npx fovea train <folder with a folder of pictures for each class>`);

/** The very command that a person would type. Its progress goes to the terminal; the record of the job comes back. */
function trainJob(): Promise<JobRecord | null> {
  // Shapes are learned from nothing, the same on every machine: no weights are fetched.
  const words = ['job', 'create', '--file', jobFile, '--weights', 'none', '--stream'];
  const child = spawn(process.execPath, [join(root, 'packages/cli/main.ts'), ...words], {
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  process.on('SIGINT', () => {}); // the terminal has told the child as well, which stops cleanly
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      process.exitCode = code ?? 1;
      done(code === 0 ? JSON.parse(output) : null);
    });
  });
}

async function predictValidation(modelFolder: string): Promise<Answer[]> {
  const annotations = resolve(dataFolder, 'validation-mltable-folder/annotations.jsonl');
  const lines = (await readFile(annotations, 'utf8')).trim().split('\n');
  const records = lines.map((line): { image_url: string; label: string } => JSON.parse(line));
  const files = records.map(({ image_url }) => resolve(dirname(annotations), image_url));
  const model = await loadModel(modelFolder);
  const predictions = await model.predict(files);
  await model.close();
  return predictions.map((prediction, i) => {
    if ('error' in prediction) throw new Error(`${files[i]}: ${prediction.error}`);
    const [{ label: predicted, probability }] = topLabels(prediction, 1);
    return { file: files[i], label: records[i].label, predicted, probability };
  });
}
