import { modelNames as classifierNames, findModel, isModelName } from '@fovea/vision';

/** The four image tasks of an AutoML job, in their YAML spelling. */
export const tasks = [
  'image_classification',
  'image_classification_multilabel',
  'image_object_detection',
  'image_instance_segmentation',
] as const;
export type Task = (typeof tasks)[number];

/** The tasks whose answers are classes of whole images. */
export const classificationTasks = [
  'image_classification',
  'image_classification_multilabel',
] as const satisfies Task[];
export type ClassificationTaskName = (typeof classificationTasks)[number];

export const isClassification = (task: Task): task is ClassificationTaskName =>
  (classificationTasks as readonly Task[]).includes(task);

/** The one primary metric that each task supports; all are maximised. */
export const primaryMetrics = {
  image_classification: 'accuracy',
  image_classification_multilabel: 'iou',
  image_object_detection: 'mean_average_precision',
  image_instance_segmentation: 'mean_average_precision',
} as const satisfies Record<Task, string>;
export type PrimaryMetric = (typeof primaryMetrics)[Task];

/** The classifiers of the contract. */
const nativeClassifiers = [
  'mobilenetv2',
  'resnet18',
  'resnet34',
  'resnet50',
  'resnet101',
  'resnet152',
  'resnest50',
  'resnest101',
  'seresnext',
  'vits16r224',
  'vitb16r224',
  'vitl16r224',
] as const;

/** The contract's, and after them what else the vision package has. */
const classifiers: readonly string[] = [...new Set([...nativeClassifiers, ...classifierNames()])];

const regionDetectors = [
  'fasterrcnn_resnet18_fpn',
  'fasterrcnn_resnet34_fpn',
  'fasterrcnn_resnet50_fpn',
  'fasterrcnn_resnet101_fpn',
  'fasterrcnn_resnet152_fpn',
  'retinanet_resnet50_fpn',
] as const;

const maskDetectors = [
  'maskrcnn_resnet18_fpn',
  'maskrcnn_resnet34_fpn',
  'maskrcnn_resnet50_fpn',
  'maskrcnn_resnet101_fpn',
  'maskrcnn_resnet152_fpn',
] as const;

/** Model names of each task. Names from the Hugging Face Hub and the MMDetection zoo are not among them. */
export const modelNames = {
  image_classification: classifiers,
  image_classification_multilabel: classifiers,
  image_object_detection: ['yolov5', ...regionDetectors],
  image_instance_segmentation: maskDetectors,
} as const satisfies Record<Task, readonly string[]>;

/** What a job without `model_name` trains. */
export const defaultModels = {
  image_classification: 'vitb16r224',
  image_classification_multilabel: 'vitb16r224',
  image_object_detection: 'yolov5',
  image_instance_segmentation: 'maskrcnn_resnet50_fpn',
} as const satisfies Record<Task, string>;

/** Detectors that resize to `min_size`/`max_size` and propose regions or anchors: all but yolov5. */
export const resizingDetectors: readonly string[] = [...regionDetectors, ...maskDetectors];

/**
 * How many groups `layers_to_freeze` can count in a model; `undefined` for a name that is not native.
 * The groups of a classifier (prefixes of parameter names) stand in its entry of the registry.
 */
export function freezableGroups(model: string): number | undefined {
  if (isModelName(model)) return findModel(model).freeze.length;
  if (model === 'yolov5') return 10; // model.0 … model.9
  return resizingDetectors.includes(model) ? 5 : undefined; // the stem and four stages
}
