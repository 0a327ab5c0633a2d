/** Mask R-CNN as job files name it. */
import { nn } from '@fovea/torch';
import { type DetectorSettings, detector } from '../detector-registry.ts';
import type { ResNetName } from '../models/resnet.ts';
import { torchvision } from '../weights/source.ts';
import { COCO, RESNET_STAGES, RegionDetector, rcnnOptions } from './entries.ts';
import { type MaskRcnn, maskRcnn } from './mask-rcnn.ts';

/**
 * Spread of the last weights of a mask that nothing is known of yet. torchvision's (He et al. 2015, over its outputs) lets the first mask
 * loss be 4 to 20 where features are not calm yet, and of two networks that began with random weights one was lost within 20 steps at a
 * rate of 0.0025; with small ones, as Detectron2 has them (0.001, mask_head.py), each begins near ln 2 and falls.
 */
const FIRST_SPREAD = 0.01;

function undecided(network: MaskRcnn): MaskRcnn {
  const { weight, bias } = network.roi_heads.mask_predictor.mask_fcn_logits;
  nn.init.normal_(weight, 0, FIRST_SPREAD);
  if (bias) nn.init.zeros_(bias);
  return network;
}

for (const depth of [18, 34, 50, 101, 152] as const) {
  const backbone: ResNetName = `resnet${depth}`;
  detector({
    name: `maskrcnn_${backbone}_fpn`,
    finds: 'masks',
    paper: 'https://arxiv.org/abs/1703.06870',
    build: (settings: DetectorSettings) =>
      new RegionDetector(undecided(maskRcnn({ backbone, ...rcnnOptions(settings) })), settings, 1),
    weightsOf: () => (depth === 50 ? torchvision('maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth', COCO) : null),
    backbone: { classifier: backbone, prefix: 'backbone.body.' },
    head: ['roi_heads.box_predictor.', 'roi_heads.mask_predictor.mask_fcn_logits.'],
    freeze: RESNET_STAGES,
  });
}
