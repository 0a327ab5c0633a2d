import {
  type DetectorFolder,
  findsMasks,
  inspectOnnx,
  isYolo,
  type MaskDetectorFolder,
  type ModelFolder,
} from '@fovea/automl/model-folder';

/** What a program must know to use the ONNX file of a model, written beside it as JSON. */
export interface ExportedAbout {
  readonly format: 'onnx';
  readonly precision: 'float32' | 'int8';
  readonly opset: number;
  readonly model_name: string;
  readonly task: string;
  /** The index is the class's place in the answer; of detectors, less `first_label`. */
  readonly labels: readonly string[];
  readonly first_label?: number;
  readonly input: AboutInput;
  readonly outputs: readonly AboutOutput[];
  /** From this probability on a label of a multi-label model is present. */
  readonly threshold?: number;
  /** What ONNX Runtime should be told for INT8 on x86 processors without VNNI: sums of products of bytes overflow otherwise. */
  readonly session_options_without_vnni?: Readonly<Record<string, string>>;
  /** Licence of the weights that training started from. */
  readonly weights_licence: string | null;
}

export interface AboutInput {
  readonly name: string;
  /** Words are sizes that are open. */
  readonly shape: readonly (number | string)[];
  readonly dtype: 'float32';
  readonly layout: 'NCHW';
  readonly colours: 'RGB';
  /** How an image becomes the picture that is given, in order. */
  readonly preparation: readonly string[];
  /** Of values 0 … 1, [red, green, blue]: what is subtracted, and what the result is divided by. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface AboutOutput {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly dtype: 'float32' | 'int64';
  readonly meaning: string;
}

/** @param onnx the graph of the file, whose ports are told */
export function aboutModel(model: ModelFolder, onnx: Uint8Array, precision: ExportedAbout['precision']): ExportedAbout {
  const { opset, inputs, outputs } = inspectOnnx(onnx, 'the exported file');
  const [input] = inputs;
  const identity = { mean: [0, 0, 0], std: [1, 1, 1] };
  const { mean, std } = model.input.normalised_in_graph ? identity : model.input;
  const meaning = meaningOf(model);
  return {
    format: 'onnx',
    precision,
    opset,
    model_name: model.modelName,
    task: model.task,
    labels: model.labels,
    ...('firstLabel' in model && { first_label: model.firstLabel }),
    input: {
      ...{ name: input.name, shape: input.shape },
      ...({ dtype: 'float32', layout: 'NCHW', colours: 'RGB' } as const),
      preparation: preparation(model),
      ...{ mean, std },
    },
    outputs: outputs.map(({ name, shape }) => ({
      ...{ name, shape },
      dtype: name.startsWith('labels_') ? 'int64' : 'float32',
      meaning: meaning(name),
    })),
    ...(model.threshold !== null && { threshold: model.threshold }),
    ...(precision === 'int8' && { session_options_without_vnni: { 'session.x64quantprecision': '1' } }),
    weights_licence: model.weightsOrigin.licence,
  };
}

const LAST_STEP = 'divide values by 255; subtract mean and divide by std, for each colour';

function preparation(model: ModelFolder): string[] {
  if (!isDetector(model)) {
    const { valid_resize_size: resize, valid_crop_size: crop } = model.settings;
    return [
      `resize the shorter side to ${resize} pixels (bilinear with antialias, as Pillow does it)`,
      `take the middle ${crop} × ${crop} pixels (black around an image that is smaller)`,
      LAST_STEP,
    ];
  }
  const { settings } = model;
  if (isYolo(settings)) {
    const side = settings.img_size;
    return [
      `resize the longer side to ${side} pixels (bilinear without antialias, as OpenCV does it)`,
      `put it in the middle of a square of ${side} × ${side} pixels of grey 114`,
      LAST_STEP,
    ];
  }
  return [
    `resize the shorter side to ${settings.min_size} pixels, or the longer one to ${settings.max_size} where it would exceed that (bilinear without antialias, as OpenCV does it)`,
    LAST_STEP,
  ];
}

function meaningOf(model: ModelFolder): (output: string) => string {
  if (!isDetector(model)) {
    const function_ = model.task === 'image_classification' ? 'softmax' : 'sigmoid';
    return () => `logits of the labels; ${function_} gives probabilities`;
  }
  const { settings } = model;
  if (isYolo(settings)) {
    const { nms_iou_thresh: iou, box_score_thresh: score } = settings;
    return () =>
      `for each cell centre x, centre y, width and height in pixels of the input, objectness, and a probability for each label; score = objectness × probability, above ${score}, then suppression of boxes of a label at IoU ${iou}`;
  }
  const meanings: Record<string, string> = {
    boxes: 'corners x1, y1, x2, y2 in pixels of the input, best first',
    labels: `class of each box; labels[value − ${model.firstLabel}] is its name`,
    scores: 'score of each box, 0 … 1',
    ...(findsMasks(settings) && {
      masks: `probability of each pixel to belong to the object; above ${settings.mask_pixel_score_threshold} it does`,
      mask_probabilities: 'the same for the cells of a grid over the box',
    }),
  };
  return (output) => meanings[output.replace(/_\d+$/, '')] ?? '';
}

const isDetector = (model: ModelFolder): model is DetectorFolder | MaskDetectorFolder => 'firstLabel' in model;
