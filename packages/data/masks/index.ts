// Masks as run lengths, their outlines and the way between the two. Arithmetic alone: no image is read, no engine loaded.
export { type ClipArea, clipPolygon } from './clip-polygon.ts';
export { type MaskPolygonOptions, maskPolygons } from './mask-polygons.ts';
export { polygonArea } from './polygon-area.ts';
export { boundsOf } from './polygon-bounds.ts';
export { boxMask, polygonMask, polygonsMask } from './polygon-mask.ts';
export { maskFromText, maskToText } from './run-length-text.ts';
export {
  decodeMask,
  encodeMask,
  maskArea,
  maskBox,
  maskOverlap,
  mergeMasks,
  paintMask,
  type RunLengths,
  runLengths,
} from './run-lengths.ts';
