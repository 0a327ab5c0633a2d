/** Mean of red, green and blue over ImageNet's training pictures, for pixel values 0 … 1. */
export const IMAGENET_MEAN: readonly number[] = [0.485, 0.456, 0.406];

/** Standard deviation of red, green and blue over ImageNet's training pictures, for pixel values 0 … 1. */
export const IMAGENET_STD: readonly number[] = [0.229, 0.224, 0.225];
