import { regionsOf } from '@fovea/vision';

/**
 * How a program in Python builds the network that a state dict fits: `torchvision.models.<name>`, `timm.create_model(<name>)`, or for
 * detectors `torchvision.models.detection.<name>`.
 */
export interface PythonArchitecture {
  library: 'torchvision' | 'timm';
  name: string;
  /**
   * More arguments than the number of classes. `FasterRCNN` and `MaskRCNN` have no builders of their own for most backbones: `backbone`
   * names the ResNet that `torchvision.models.detection.backbone_utils.resnet_fpn_backbone` makes one of.
   */
  options: { [key: string]: number | string };
}

const TORCHVISION: Readonly<Record<string, string>> = {
  mobilenetv2: 'mobilenet_v2',
  resnet18: 'resnet18',
  resnet34: 'resnet34',
  resnet50: 'resnet50',
  resnet101: 'resnet101',
  resnet152: 'resnet152',
  resnext50_32x4d: 'resnext50_32x4d',
};

const TIMM: Readonly<Record<string, string>> = {
  resnest50: 'resnest50d',
  resnest101: 'resnest101e',
  seresnext: 'legacy_seresnext50_32x4d',
  vits16r224: 'vit_small_patch16_224',
  vitb16r224: 'vit_base_patch16_224',
  vitl16r224: 'vit_large_patch16_224',
};

/**
 * Of a classifier.
 *
 * @param modelName as job files call it
 * @param imageSize side of the images in pixels, by which a vision transformer has its position embedding
 * @returns null for a model that no library has under the same parameter names
 */
export function pythonArchitecture(modelName: string, imageSize: number): PythonArchitecture | null {
  const torchvision = TORCHVISION[modelName];
  if (torchvision) return { library: 'torchvision', name: torchvision, options: {} };
  const timm = TIMM[modelName];
  if (!timm) return null;
  return { library: 'timm', name: timm, options: timm.startsWith('vit_') ? { img_size: imageSize } : {} };
}

/** What torchvision has a builder for. */
const BUILDERS: readonly string[] = ['fasterrcnn_resnet50_fpn', 'maskrcnn_resnet50_fpn', 'retinanet_resnet50_fpn'];

/** What makes of a backbone all others. */
const OF_BACKBONES: Readonly<Record<string, string>> = { fasterrcnn: 'FasterRCNN', maskrcnn: 'MaskRCNN' };

/**
 * Of a detector. Its batch norms are those of training (`torch.nn.BatchNorm2d`), whether they learned or not: in evaluation it is the same.
 *
 * @param modelName as job files call it
 * @param minSize of the images that it was trained with, `min_size`
 * @returns null for YOLOv5: its parameters have the names of the official implementation, which is in neither library
 */
export function pythonDetectorArchitecture(modelName: string, minSize?: number): PythonArchitecture | null {
  // Regions that are judged at most, of which torchvision's networks have more for small images than Fovea's.
  const { rpnPostNmsTopNTest: rpn_post_nms_top_n_test } = regionsOf({ minSize });
  const regions: PythonArchitecture['options'] = modelName.startsWith('retinanet') ? {} : { rpn_post_nms_top_n_test };
  if (BUILDERS.includes(modelName)) return { library: 'torchvision', name: modelName, options: regions };
  const [, family = '', backbone = ''] = /^(\w+)_(resnet\d+)_fpn$/.exec(modelName) ?? [];
  const name = OF_BACKBONES[family];
  return name === undefined ? null : { library: 'torchvision', name, options: { backbone, ...regions } };
}
