import type { Definition } from './hyperparameter-definition.ts';
import { classificationTasks, resizingDetectors, tasks } from './tasks.ts';

const detection = ['image_object_detection', 'image_instance_segmentation'] as const;
const positive = { min: 1 } as const;
const fraction = { min: 0, max: 1 } as const;
const yolov5 = ['yolov5'] as const;

/** REST clients write `None` where nothing was chosen. */
const notChosen = (value: string) => ({ None: value });

/**
 * Every hyperparameter of an image job: name in job files → what it takes, where it applies and what it is when left
 * out. Validation, types, defaults and the names of the other surfaces all come from here; defaults that belong to one
 * classifier stand in its entry of the registry of models.
 */
export const hyperparameters = {
  number_of_epochs: {
    doc: 'Passes over the training images.',
    tasks,
    kind: 'int',
    range: positive,
    default: 15,
    exceptions: [{ models: yolov5, value: 30 }],
  },
  training_batch_size: {
    doc: 'Images per training step, sized for 12 GiB of GPU memory when left out; auto finds the most that memory suffices for.',
    tasks,
    kind: 'int',
    range: positive,
    auto: true,
    default: 2,
    exceptions: [
      { tasks: classificationTasks, value: 78 },
      { models: yolov5, value: 16 },
    ],
  },
  validation_batch_size: {
    doc: 'Images per validation step; auto takes as many as in training.',
    tasks,
    kind: 'int',
    range: positive,
    auto: true,
    default: 1,
    exceptions: [
      { tasks: classificationTasks, value: 78 },
      { models: yolov5, value: 16 },
    ],
  },
  gradient_accumulation_step: {
    doc: 'Batches whose gradients are summed before the weights are updated.',
    tasks,
    kind: 'int',
    range: positive,
    default: 1,
    v1Names: ['grad_accumulation_step'],
  },
  early_stopping: {
    doc: 'Stop when the primary metric no longer improves.',
    tasks,
    kind: 'bool',
    default: true,
  },
  early_stopping_patience: {
    doc: 'Validations without improvement before training stops.',
    tasks,
    kind: 'int',
    range: positive,
    default: 5,
  },
  early_stopping_delay: {
    doc: 'Validations before improvement is watched.',
    tasks,
    kind: 'int',
    range: positive,
    default: 5,
  },
  learning_rate: {
    doc: 'Initial learning rate.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.005,
    exceptions: [
      { models: yolov5, value: 0.01 },
      { tasks: ['image_classification'], value: 0.01 },
      { tasks: ['image_classification_multilabel'], value: 0.035 },
    ],
  },
  learning_rate_scheduler: {
    doc: 'How the learning rate changes during training.',
    tasks,
    kind: 'enum',
    values: ['warmup_cosine', 'step'],
    aliases: notChosen('warmup_cosine'),
    default: 'warmup_cosine',
    v1Names: ['lr_scheduler'],
  },
  step_lr_gamma: {
    doc: 'Factor of the learning rate at each step of the step schedule.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.5,
    restName: 'stepLRGamma',
  },
  step_lr_step_size: {
    doc: 'Epochs between steps of the step schedule.',
    tasks,
    kind: 'int',
    range: positive,
    default: 5,
    restName: 'stepLRStepSize',
  },
  warmup_cosine_lr_cycles: {
    doc: 'Cosine waves after the warm-up; 0.5 ends at a learning rate of 0.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.45,
    restName: 'warmupCosineLRCycles',
  },
  warmup_cosine_lr_warmup_epochs: {
    doc: 'Epochs in which the learning rate rises to its full value.',
    tasks,
    kind: 'int',
    range: { min: 0 },
    default: 2,
    restName: 'warmupCosineLRWarmupEpochs',
  },
  optimizer: {
    doc: 'The optimizer.',
    tasks,
    kind: 'enum',
    values: ['sgd', 'adam', 'adamw'],
    aliases: notChosen('sgd'),
    default: 'sgd',
  },
  momentum: {
    doc: 'Momentum of sgd.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.9,
  },
  nesterov: {
    doc: 'Nesterov momentum of sgd.',
    tasks,
    kind: 'bool',
    default: true,
  },
  weight_decay: {
    doc: 'Weight decay of all optimizers.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 1e-4,
  },
  beta1: {
    doc: 'Decay of the first moment in adam and adamw.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.9,
  },
  beta2: {
    doc: 'Decay of the second moment in adam and adamw.',
    tasks,
    kind: 'float',
    range: fraction,
    default: 0.999,
  },
  ams_gradient: {
    doc: 'The AMSGrad form of adam and adamw.',
    tasks,
    kind: 'bool',
    default: false,
    v1Names: ['amsgrad'],
  },
  evaluation_frequency: {
    doc: 'Epochs between validations.',
    tasks,
    kind: 'int',
    range: positive,
    default: 1,
  },
  checkpoint_frequency: {
    doc: 'Epochs between checkpoints; when left out only the best epoch is kept.',
    tasks,
    kind: 'int',
    range: positive,
    default: null,
    searchable: false,
  },
  checkpoint_run_id: {
    doc: 'Name of a finished trial whose weights training starts from.',
    tasks,
    kind: 'string',
    default: null,
    searchable: false,
  },
  checkpoint_dataset_id: {
    doc: 'Data asset with a checkpoint to start from; goes with checkpoint_filename.',
    tasks,
    kind: 'string',
    default: null,
    searchable: false,
  },
  checkpoint_filename: {
    doc: 'File of the checkpoint inside checkpoint_dataset_id.',
    tasks,
    kind: 'string',
    default: null,
    searchable: false,
  },
  layers_to_freeze: {
    doc: 'Leading groups of layers whose weights stay as they are; 0 freezes none.',
    tasks,
    kind: 'int',
    range: { min: 0 },
    default: 0,
  },
  number_of_workers: {
    doc: 'Workers that read and decode images; chosen for the machine when left out.',
    tasks,
    kind: 'int',
    range: { min: 0 },
    default: null,
  },
  random_seed: {
    doc: 'Seed of everything random in training.',
    tasks,
    kind: 'int',
    range: {},
    default: 42,
  },
  distributed: {
    doc: 'Train on several GPUs at once; when left out, on as many as there are.',
    tasks,
    kind: 'bool',
    default: null,
  },
  enable_onnx_normalization: {
    doc: 'Put the normalisation of pixels into the exported ONNX model.',
    tasks,
    kind: 'bool',
    default: false,
  },
  augmentations: {
    doc: 'Text without a documented grammar.',
    tasks,
    kind: 'string',
    default: null,
  },
  advanced_settings: {
    doc: 'JSON object with the flags apply_mosaic_for_yolo, apply_automl_train_augmentations and stream_image_files.',
    tasks,
    kind: 'advanced_settings',
    default: { apply_mosaic_for_yolo: true, apply_automl_train_augmentations: true, stream_image_files: false },
    searchable: false,
  },
  weighted_loss: {
    doc: 'Weight of classes in the loss: 0 none, 1 the square root of the class weights, 2 the class weights.',
    tasks: classificationTasks,
    kind: 'int',
    range: { min: 0, max: 2 },
    default: 0,
  },
  label_smoothing_factor: {
    doc: 'Share of the target that is spread over all classes; none of the documented ones, and off when left out.',
    tasks: classificationTasks,
    kind: 'float',
    range: { min: 0, below: 1 },
    default: 0,
  },
  validation_resize_size: {
    doc: 'Pixels to which validation images are resized before they are cropped.',
    tasks: classificationTasks,
    kind: 'int',
    range: positive,
    default: 256,
    v1Names: ['valid_resize_size'],
    settingsName: 'valid_resize_size',
  },
  validation_crop_size: {
    doc: 'Pixels of the square that the network sees in validation.',
    tasks: classificationTasks,
    kind: 'int',
    range: positive,
    default: 224,
    v1Names: ['valid_crop_size'],
    settingsName: 'valid_crop_size',
  },
  training_crop_size: {
    doc: 'Pixels of the square that the network sees in training.',
    tasks: classificationTasks,
    kind: 'int',
    range: positive,
    default: 224,
    v1Names: ['train_crop_size'],
  },
  validation_metric_type: {
    doc: 'Which detection metrics validation computes.',
    tasks: detection,
    kind: 'enum',
    values: ['none', 'coco', 'voc', 'coco_voc'],
    default: 'voc',
  },
  validation_iou_threshold: {
    doc: 'Overlap from which a detection counts as a match in validation.',
    tasks: detection,
    kind: 'float',
    range: { min: 0.1, max: 1 },
    default: 0.5,
  },
  min_size: {
    doc: 'Pixels of the shorter side after resizing.',
    tasks: detection,
    models: resizingDetectors,
    kind: 'int',
    range: positive,
    default: 600,
    settingsName: 'min_size',
  },
  max_size: {
    doc: 'Most pixels of the longer side after resizing.',
    tasks: detection,
    models: resizingDetectors,
    kind: 'int',
    range: positive,
    default: 1333,
    settingsName: 'max_size',
  },
  image_size: {
    doc: 'Pixels of the square that yolov5 sees.',
    tasks: ['image_object_detection'],
    models: yolov5,
    kind: 'int',
    range: positive,
    default: 640,
    v1Names: ['img_size'],
    settingsName: 'img_size',
  },
  model_size: {
    doc: 'Size of the yolov5 network.',
    tasks: ['image_object_detection'],
    models: yolov5,
    kind: 'enum',
    values: ['small', 'medium', 'large', 'extra_large'],
    aliases: { xlarge: 'extra_large' },
    default: 'medium',
    settingsName: 'model_size',
  },
  multi_scale: {
    doc: 'Vary the image size of yolov5 by up to half while training.',
    tasks: ['image_object_detection'],
    models: yolov5,
    kind: 'bool',
    default: false,
  },
  box_score_threshold: {
    doc: 'Boxes with a score above it are kept.',
    tasks: detection,
    kind: 'float',
    range: fraction,
    default: 0.3,
    exceptions: [{ models: yolov5, value: 0.1 }],
    v1Names: ['box_score_thresh'],
    settingsName: 'box_score_thresh',
  },
  nms_iou_threshold: {
    doc: 'Overlap above which the box with the lower score is dropped.',
    tasks: detection,
    kind: 'float',
    range: fraction,
    default: 0.5,
    v1Names: ['box_nms_thresh', 'box_iou_thresh'],
    settingsName: 'nms_iou_thresh',
  },
  box_detections_per_image: {
    doc: 'Most boxes per image.',
    tasks: detection,
    models: resizingDetectors,
    kind: 'int',
    range: positive,
    default: 100,
    v1Names: ['box_detections_per_img'],
    settingsName: 'box_detections_per_img',
  },
  tile_grid_size: {
    doc: 'Tiles along the width and the height that are looked at besides the whole image, as 3x2.',
    tasks: ['image_object_detection'],
    kind: 'grid',
    default: null,
    settingsName: 'tile_grid_size',
  },
  tile_overlap_ratio: {
    doc: 'Overlap of neighbouring tiles in each dimension.',
    tasks: ['image_object_detection'],
    kind: 'float',
    range: { min: 0, below: 1 },
    default: 0.25,
    settingsName: 'tile_overlap_ratio',
  },
  tile_predictions_nms_threshold: {
    doc: 'Overlap above which the box with the lower score is dropped when tiles are merged.',
    tasks: ['image_object_detection'],
    kind: 'float',
    range: fraction,
    default: 0.25,
    v1Names: ['tile_predictions_nms_thresh'],
    settingsName: 'tile_predictions_nms_thresh',
  },
} as const satisfies Record<string, Definition>;

export type HyperparameterName = keyof typeof hyperparameters;

/** The table by name, for a name that is only known at run time. */
export function definitionOf(name: string): Definition | undefined {
  return Object.hasOwn(hyperparameters, name) ? hyperparameters[name as HyperparameterName] : undefined;
}

/** Name in REST `modelSettings` and `searchSpace`. */
export function restNameOf(name: HyperparameterName): string {
  const definition: Definition = hyperparameters[name];
  return definition.restName ?? name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

const foreignNames: ReadonlyMap<string, HyperparameterName> = new Map(
  (Object.keys(hyperparameters) as HyperparameterName[]).flatMap((name) => {
    const definition: Definition = hyperparameters[name];
    const others = [restNameOf(name), ...(definition.v1Names ?? []), definition.settingsName ?? name];
    return others.map((other) => [other, name] as const);
  }),
);

/** The name in job files of what REST, the v1 SDK or `settings.json` call `foreign`. */
export function nameFromElsewhere(foreign: string): HyperparameterName | undefined {
  return foreignNames.get(foreign);
}
