/** How a program in Python builds the network that a state dict fits: `torchvision.models.<name>` or `timm.create_model(<name>)`. */
export interface PythonArchitecture {
  library: 'torchvision' | 'timm';
  name: string;
  /** More arguments than the number of classes. */
  options: { [key: string]: number };
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
