/** Mask R-CNN as job files name it. */
import { detector } from '../detector-registry.ts';
import type { ResNetName } from '../models/resnet.ts';
import { torchvision } from '../weights/source.ts';
import { COCO, RESNET_STAGES, RegionDetector, rcnnOptions } from './entries.ts';
import { maskRcnn } from './mask-rcnn.ts';

for (const depth of [18, 34, 50, 101, 152] as const) {
  const backbone: ResNetName = `resnet${depth}`;
  detector({
    name: `maskrcnn_${backbone}_fpn`,
    finds: 'masks',
    paper: 'https://arxiv.org/abs/1703.06870',
    build: (settings) => {
      const network = maskRcnn({ backbone, ...rcnnOptions(settings) });
      return new RegionDetector(network, settings, 1);
    },
    weightsOf: () => (depth === 50 ? torchvision('maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth', COCO) : null),
    backbone: { classifier: backbone, prefix: 'backbone.body.' },
    head: ['roi_heads.box_predictor.', 'roi_heads.mask_predictor.mask_fcn_logits.'],
    freeze: RESNET_STAGES,
  });
}
