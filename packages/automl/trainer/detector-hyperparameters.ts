import type { Hyperparameters } from '../spec/resolve-hyperparameters.ts';

/** Of a detector: what those of boxes and those of masks share, and what only one of the two has. */
export type DetectorHyperparameters = Hyperparameters<'image_instance_segmentation'> &
  Partial<Hyperparameters<'image_object_detection'>>;
