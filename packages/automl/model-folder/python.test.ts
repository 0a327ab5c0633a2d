import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeImage, imageSize } from '@fovea/data';
import { nn, tensor } from '@fovea/torch';
import { centreCrop, createModel, resizeShortSide } from '@fovea/vision';
import sharp from 'sharp';
import { exportOnnx } from '../onnx/export.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { colours } from './example-folder.ts';
import { pythonLiteral } from './python-literal.ts';
import { scoringScript } from './scoring-script.ts';
import { type ModelContents, writeModelFolder } from './write.ts';

/** Debian's python3, which may have the packages, is not always the first on the PATH. */
const pythonWith = (...modules: string[]): string | undefined =>
  ['python3', '/usr/bin/python3'].find(
    (candidate) => spawnSync(candidate, ['-c', `import ${modules.join(', ')}`]).status === 0,
  );

const python = pythonWith('numpy', 'PIL');
const HOSTILE = ['"""', "'); import os; os.abort() #", '\\', 'line\nbreak\r\u2028\u0000', '🐝 Größe \u202e', '{0} %s'];
const network = colours();
/** Bound to 24 × 24 by its linear layer. */
const fixed = new nn.Sequential(new nn.Flatten(), new nn.Linear(3 * 24 * 24, 3));
const contents: ModelContents = {
  task: 'image_classification',
  modelName: 'resnet18',
  labels: ['red', 'green', 'blue'],
  input: {
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    interpolation: 'bilinear',
    normalised_in_graph: false,
  },
  settings: { valid_resize_size: 32, valid_crop_size: 24 },
  weights: network.stateDict(),
  onnx: exportOnnx(network, { inputShape: [1, 3, 24, 24] }),
  training: { job: 'example' },
  weightsOrigin: { pretrained: false, weights: 'random', licence: null },
};

/** What the network of these contents answers, for packages that are not there. */
const STUBS: Record<string, string> = {
  'onnxruntime.py': `
def get_available_providers(): return ["CPUExecutionProvider"]
class Port: name = "input1"; shape = ["batch", 3, 24, 24]
class Meta: pass
class InferenceSession:
    def __init__(self, model, providers):
        with open(model, "rb") as file: Meta.custom_metadata_map = {"fovea.image_size": "fixed" if b"Gemm" in file.read() else "any"}
    def get_inputs(self): return [Port]
    def get_modelmeta(self): return Meta
    def run(self, outputs, inputs): return [inputs["input1"].mean((2, 3))]
`,
  'mlflow/pyfunc.py': 'class PythonModel: pass\n',
  'mlflow/__init__.py': '',
  'pandas.py': `
class DataFrame:
    def __init__(self, rows, columns): self.rows = rows; self.columns = columns
    def __getitem__(self, column): return type("Series", (), {"tolist": lambda _: [row[column] for row in self.rows]})()
`,
};

/** What Azure's server brings, in a folder of its own: most tests are without it. */
const AZURE: Record<string, string> = {
  'azureml/__init__.py': '',
  'azureml/contrib/__init__.py': '',
  'azureml/contrib/services/__init__.py': '',
  'azureml/contrib/services/aml_request.py': 'def rawhttp(function): return function\n',
  'azureml/contrib/services/aml_response.py': `
class AMLResponse:
    def __init__(self, message, status_code): self.message = message; self.status_code = status_code
`,
};

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'fovea-python-'));
  if (python) {
    await writeAll('stubs', STUBS, (path) => spawnSync(python, ['-c', `import ${path.split(/[/.]/)[0]}`]).status !== 0);
    await writeAll('azure', AZURE);
  }
});
after(() => rm(work, { recursive: true }));

async function writeAll(folder: string, files: Record<string, string>, wanted = (_: string) => true): Promise<void> {
  for (const [path, text] of Object.entries(files).filter(([path]) => wanted(path))) {
    await mkdir(join(work, folder, path, '..'), { recursive: true });
    await writeFile(join(work, folder, path), text);
  }
}

/** Runs a program, which prints one JSON value. */
function run(program: string, { args = [] as string[], path = ['stubs'], env = {}, by = python } = {}): unknown {
  const result = spawnSync(
    by as string,
    ['-W', 'error::SyntaxWarning', '-W', 'error::RuntimeWarning', '-c', `import json, sys\n${program}`, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, PYTHONPATH: path.map((folder) => join(work, folder)).join(':'), ...env },
    },
  );
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

/** Where the scoring script looks for a model, and the script. */
async function scriptOf(name: string, given: ModelContents): Promise<string> {
  const folder = join(work, name);
  await mkdir(join(folder, 'train_artifacts'), { recursive: true });
  await mkdir(join(folder, 'outputs'), { recursive: true });
  await writeFile(join(folder, 'train_artifacts', 'model.onnx'), given.onnx);
  await writeFile(join(folder, 'outputs', 'scoring.py'), scoringScript(given));
  return join(folder, 'outputs');
}

async function picture([r, g, b]: number[]): Promise<Buffer> {
  return sharp({ create: { width: 40, height: 30, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}

/** What the network answers for a picture of one colour, by hand. */
function expected(colour: number[], multilabel = false): number[] {
  const logits = colour.map((value, c) => (value / 255 - contents.input.mean[c]) / contents.input.std[c]);
  if (multilabel) return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const exponentials = logits.map(Math.exp);
  return exponentials.map((value) => value / exponentials.reduce((a, b) => a + b));
}

interface Answer {
  filename?: string;
  probs: number[];
  labels: string[];
}

function isAnswer({ probs, labels }: Answer, values: number[]): void {
  assert.deepEqual(labels, contents.labels);
  probs.forEach((value, i) => {
    assert.ok(Math.abs(value - values[i]) < 1e-6, `${probs} and ${values}`);
  });
}

describe('in Python', { skip: python ? false : 'no python3 with numpy and Pillow' }, () => {
  test('literals are what they were, whatever the labels are', () => {
    const value = {
      labels: HOSTILE,
      none: null,
      yes: true,
      no: false,
      numbers: [0, -1.5, 1e-7, 1e21],
      nested: { deep: {} },
    };
    const literal = pythonLiteral(value);
    assert.deepEqual(run(`print(json.dumps(${literal}))`), value);
    assert.ok(!/[\u202e\u2028]/.test(literal), 'nothing invisible');
  });

  test('a script with hostile labels is a script with these labels, and nothing else', async () => {
    const labels = HOSTILE.slice(0, 3);
    const folder = await scriptOf('hostile', { ...contents, labels });
    const settings = run('import scoring; print(json.dumps([scoring.TASK_TYPE, scoring.model_settings]))', {
      path: ['stubs', 'hostile/outputs'],
    });
    const { mean, std } = contents.input;
    assert.deepEqual(settings, [
      'image-classification',
      {
        ...{ model_name: 'resnet18', task_type: 'image-classification', ...contents.settings },
        ...{ mean, std, normalised_in_graph: false, labels },
      },
    ]);
    assert.match(
      await readFile(join(folder, 'scoring.py'), 'utf8'),
      /^model_settings = \{\n {4}"model_name": "resnet18",$/m,
    );
  });

  test('images are prepared bit for bit as validation does it', async () => {
    const transforms = fileURLToPath(new URL('../../vision/fixtures/transforms/', import.meta.url));
    const files = ['img_c.png', 'img_d.png'].map((name) => join(transforms, name));
    files.push(fileURLToPath(new URL('../../data/fixtures/upright.jpg', import.meta.url)));
    const noise = Buffer.from(Array.from({ length: 50 * 31 * 4 }, (_, i) => (i * 7919) % 256));
    const image = sharp(noise, { raw: { width: 50, height: 31, channels: 4 } });
    for (const [name, made] of Object.entries({
      'alpha.png': image.clone(),
      'alpha.webp': image.clone().webp({ lossless: true }),
      'palette.png': image.clone().png({ palette: true }),
      'grey.png': image.clone().removeAlpha().greyscale().toColourspace('b-w'),
      'small.gif': image.clone().removeAlpha().resize(5, 9),
      'grey-16.png': image.clone().removeAlpha().greyscale().toColourspace('grey16'),
      'turned.jpg': image.clone().removeAlpha().withMetadata({ orientation: 6 }).jpeg(),
    })) {
      files.push(join(work, name));
      await made.toFile(join(work, name));
    }
    for (const { resize, crop } of [
      { resize: 32, crop: 24 },
      { resize: 33, crop: 32 },
      { resize: 20, crop: 27 },
    ]) {
      const program = `
import scoring
print(json.dumps([scoring.prepare(scoring.read_image(open(path, "rb").read()), ${resize}, ${crop}).tobytes().hex() for path in sys.argv[1:]]))`;
      await scriptOf('prepare', contents);
      const prepared = run(program, { args: files, path: ['stubs', 'prepare/outputs'] }) as string[];
      for (const [i, file] of files.entries()) {
        const { width, height } = await imageSize({ file });
        const size = resizeShortSide(width, height, resize);
        const { source, left, top } = centreCrop(size.width, size.height, crop);
        const { pixels } = await decodeImage({ file, resize: size, cropAfter: source });
        const canvas = Buffer.alloc(crop * crop * 3);
        for (let y = 0; y < source.height; y++) {
          const row = pixels.subarray(y * source.width * 3, (y + 1) * source.width * 3);
          canvas.set(row, ((top + y) * crop + left) * 3);
        }
        const difference = Math.max(
          ...Buffer.from(prepared[i], 'hex').map((value, at) => Math.abs(value - canvas[at])),
        );
        // A turned image is resized first and turned then, so that rounding between the two directions comes in another order.
        assert.ok(difference <= (file.endsWith('turned.jpg') ? 1 : 0), `${file} at ${resize}, ${crop}: ${difference}`);
      }
    }
  });

  test('the script answers the bytes of an image, and requests in every documented form', async () => {
    await scriptOf('online', contents);
    const colour = [200, 100, 50];
    const file = join(work, 'online.png');
    await writeFile(file, await picture(colour));
    const program = `
import base64, scoring
data = open(sys.argv[1], "rb").read()
text = base64.b64encode(data).decode()
lines = base64.encodebytes(data).decode()
element = json.dumps({"image_base64": text, "model_explainability": False})
def request(cells, **more): return json.dumps({"input_data": {"columns": ["image"], "data": cells, **more}})
def refused(body):
    try: scoring.run(body)
    except scoring.BadRequest as error: return str(error)
scoring.init()
print(json.dumps({
    "image": scoring.run(data),
    "lists": [scoring.run(request(*cells)) for cells in ([[text, lines]], [[[text], [element]]], [[element]], [[]])]
        + [scoring.run(request([text], index=[0])), scoring.run(json.loads(request([text]))), scoring.run(request([text] * 19))],
    "refused": [refused(body) for body in (b"no image", data[:60], "{", "{}", request(["%"]), request([text, "AAAA"]), request([3]),
        json.dumps({"input_data": {"columns": ["picture"], "data": [text]}}),
        request([json.dumps({"image_base64": text, "model_explainability": True})]), request(["{}"]))],
}))`;
    const { image, lists, refused } = run(program, { args: [file], path: ['stubs', 'online/outputs'] }) as {
      image: Answer;
      lists: Answer[][];
      refused: string[];
    };
    isAnswer(image, expected(colour));
    assert.deepEqual(Object.keys(image), ['filename', 'probs', 'labels']);
    assert.deepEqual(
      lists.map((list) => list.length),
      [2, 2, 1, 0, 1, 1, 19],
    );
    for (const answer of lists.flat()) isAnswer(answer, expected(colour));
    for (const [i, message] of [
      /image 1 cannot be read: cannot identify image file/,
      /image 1 cannot be read/,
      /the request is not JSON/,
      /the request should be \{"input_data"/,
      /image 1 is not base64/,
      /image 2 cannot be read/,
      /image 1 should be base64 text/,
      /columns should be \["image"\], and is \["picture"\]/,
      /image 1: this script gives no explanations; leave model_explainability out/,
      /image 1 has no image_base64/,
    ].entries()) {
      assert.match(refused[i], message);
    }
  });

  test("Azure's server gets status codes; a multi-label model answers independent probabilities", async () => {
    await scriptOf('azure-online', { ...contents, task: 'image_classification_multilabel' });
    const colour = [255, 0, 120];
    await mkdir(join(work, 'registered', 'deep'), { recursive: true });
    await writeFile(join(work, 'registered', 'deep', 'model.onnx'), contents.onnx);
    await rm(join(work, 'azure-online', 'train_artifacts'), { recursive: true });
    const program = `
import base64, scoring
data = base64.b64decode(sys.argv[1])
class Request:
    def __init__(self, data): self.data = data
    def get_data(self): return self.data
scoring.init()
answers = [scoring.run(Request(body)) for body in (data, b"{")]
print(json.dumps([[answer.status_code, json.loads(answer.message)] for answer in answers]))`;
    const [[status, answer], [refused, problem]] = run(program, {
      args: [(await picture(colour)).toString('base64')],
      path: ['stubs', 'azure', 'azure-online/outputs'],
      env: { AZUREML_MODEL_DIR: join(work, 'registered') },
    }) as [[number, Answer], [number, { error: string }]];
    assert.deepEqual([status, refused], [200, 400]);
    isAnswer(answer, expected(colour, true));
    assert.match(problem.error, /not JSON/);
  });

  test('an edited size takes effect where the graph allows it, and is an error that says so where not', async () => {
    const colour = [30, 200, 90];
    const onnx = exportOnnx(fixed, { inputShape: [1, 3, 24, 24] });
    const answers = [];
    for (const [name, given] of Object.entries({ sizeless: contents, fixed: { ...contents, onnx } })) {
      await scriptOf(name, { ...given, settings: { valid_resize_size: 32, valid_crop_size: 20 } });
      const program = `
import base64, scoring
try:
    scoring.init()
    print(json.dumps(scoring.run(base64.b64decode(sys.argv[1]))))
except ValueError as error: print(json.dumps(str(error)))`;
      const args = [(await picture(colour)).toString('base64')];
      const path = ['stubs', `${name}/outputs`];
      answers.push(run(program, { args, path }));
    }
    const [edited, refused] = answers as [Answer | string, string];
    if (typeof edited === 'string')
      assert.match(edited, /valid_crop_size is 20, and the graph was made for 24: install the package onnx/);
    else isAnswer(edited, expected(colour));
    assert.equal(refused, 'this model takes images of 24 x 24 only: set valid_crop_size back to 24');
  });

  test('python_model.pkl is a pickle of the class in code/, and answers a table', async () => {
    const folder = join(work, 'mlflow-model');
    await writeModelFolder(folder, { ...contents, task: 'image_classification_multilabel' });
    const program = `
import base64, os, pickle, pandas
folder = sys.argv[1]
sys.path.append(os.path.join(folder, "code"))
with open(os.path.join(folder, "python_model.pkl"), "rb") as file: model = pickle.load(file)
paths = {"model": "artifacts/model.pt", "settings": "artifacts/settings.json", "labels": "artifacts/labels.json",
    "onnx": "artifacts/model.onnx", "loader": "fovea.json"}
class Context: artifacts = {name: os.path.join(folder, path) for name, path in paths.items()}
model.load_context(Context)
data = base64.b64decode(sys.argv[2])
answers = model.predict(Context, pandas.DataFrame([{"image": data}, {"image": sys.argv[2]}], columns=["image"]))
rows = [{"probs": p, "labels": l} for p, l in zip(answers["probs"].tolist(), answers["labels"].tolist())]
print(json.dumps([type(model).__name__, list(answers.columns), rows]))`;
    const args = [folder, (await picture([9, 99, 199])).toString('base64')];
    const [name, columns, rows] = run(program, { args }) as [string, string[], Answer[]];
    assert.deepEqual([name, columns, rows.length], ['FoveaModel', ['probs', 'labels'], 2]);
    for (const row of rows) isAnswer(row, expected([9, 99, 199], true));

    await writeFile(join(folder, 'artifacts/settings.json'), '{"valid_crop_size": "24"}');
    const refused = `${program.slice(0, program.indexOf('model.load_context'))}
try: model.load_context(Context)
except ValueError as error: print(json.dumps(str(error)))`;
    assert.equal(run(refused, { args }), "valid_crop_size is '24' and should be a whole number of pixels");
  });
});

const torchPython = pythonWith('torch', 'torchvision', 'numpy', 'PIL');

test('where only model.pt was registered, the script answers with PyTorch as the engine does', {
  skip: torchPython ? false : 'no python3 with torch and torchvision',
}, async () => {
  const model = createModel('resnet18', { classes: 3 });
  model.eval();
  const given = { ...contents, weights: model.stateDict() };
  const folder = await scriptOf('pytorch', given);
  const registered = join(work, 'registered-checkpoint');
  await mkdir(registered);
  await writeCheckpoint(join(registered, 'model.pt'), given);
  const file = fileURLToPath(new URL('../../vision/fixtures/transforms/img_c.png', import.meta.url));
  await copyFile(file, join(folder, 'img.png'));
  const program = `
import scoring
scoring.init()
data = open(sys.argv[1], "rb").read()
pixels = scoring.normalise(scoring.prepare(scoring.read_image(data), 32, 24), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
print(json.dumps([pixels.tolist(), scoring.run(data)]))`;
  const [input, answer] = run(
    program.replace('import scoring', 'import warnings; warnings.simplefilter("ignore"); import scoring'),
    {
      args: [file],
      path: ['pytorch/outputs'],
      env: { AZUREML_MODEL_DIR: registered },
      by: torchPython,
    },
  ) as [number[][][], Answer];
  const probabilities = model
    .forward(tensor([input]))
    .softmax(1)
    .toArray() as number[][];
  isAnswer(answer, probabilities[0]);
});
