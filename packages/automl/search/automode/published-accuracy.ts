/**
 * Top-1 accuracy on ImageNet's validation images of the weights that the models start from, per cent, as their publishers tell it:
 * torchvision's table of weights, timm's results-imagenet.csv, the README of ResNeSt. What does better there does better on other
 * photographs, too, as a rule (Kornblith et al. 2019, https://arxiv.org/abs/1805.08974).
 */
const PUBLISHED: Readonly<Record<string, number>> = {
  mobilenetv2: 71.9,
  resnet18: 69.8,
  resnet34: 73.3,
  resnet50: 76.1,
  resnet101: 77.4,
  resnet152: 78.3,
  resnext50_32x4d: 77.6,
  seresnext: 79.1,
  resnest50: 81.1,
  resnest101: 82.8,
  vits16r224: 81.4,
  vitb16r224: 85.1,
  vitl16r224: 85.8,
};

/** Of a model's published weights; null where nothing is known. */
export const publishedAccuracy = (model: string): number | null => PUBLISHED[model] ?? null;
