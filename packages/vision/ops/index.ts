export * from './boxes.ts';
export { deformableConvolution } from './deformable-convolution.ts';
export { sigmoidFocalLoss } from './focal-loss.ts';
export { batchedNms, nms } from './nms.ts';
export { pyramidLevels, pyramidRoiAlign, roiAlign, roiPool } from './roi-align.ts';
