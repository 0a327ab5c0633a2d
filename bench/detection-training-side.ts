// This project's side of the comparison of detectors' training; see detection-training.ts.

import { forwardIn, measuredOn, type Precision } from '@fovea/automl';
import { manualSeed, noGrad, optim, rand, setNumThreads, type Tensor, tensor, tidy, zeros } from '@fovea/torch';
import { type DetectionTarget, type Detector, fasterRcnn, MaskRcnn, maskRcnn, retinaNet } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';

setNumThreads(2);

const BUILDERS = {
  fasterrcnn_resnet50_fpn: fasterRcnn,
  maskrcnn_resnet50_fpn: maskRcnn,
  retinanet_resnet50_fpn: retinaNet,
};

interface Case {
  model: keyof typeof BUILDERS;
  classes: number;
  width: number;
  height: number;
  /** Corners in pixels. */
  boxes: number[][];
  labels: number[];
  /** What a training job would choose, where it is not given. */
  precision?: Precision;
}

let step = (): number => Number.NaN;

await answerRequests({
  /** @returns the arithmetic */
  prepare({ model, classes, width, height, boxes, labels, precision }: Case): Precision {
    manualSeed(0);
    const net = BUILDERS[model]({ backbone: 'resnet50', classes, minSize: height });
    calm(net);
    const image = rand([3, height, width]);
    const target = {
      boxes: tensor(boxes),
      labels: tensor(labels, { dtype: 'int64' }),
      ...(net instanceof MaskRcnn && { masks: rectangles(boxes, width, height) }),
    };
    const rehearse = (images: number, inWhat: Precision) =>
      lossIn(inWhat, net, Array(images).fill(image), Array(images).fill(target));
    const chosen = precision ?? measuredOn(net, rehearse, { images: 1 }).precision;
    net.to({ memoryFormat: chosen.memoryFormat });
    const optimizer = new optim.SGD(
      net.parameters().filter(({ requiresGrad }) => requiresGrad),
      { learningRate: 0.001, momentum: 0.9 },
    );
    step = () =>
      tidy(() => {
        optimizer.zeroGrad();
        const loss = lossIn(chosen, net, [image], [target]);
        loss.backward();
        optimizer.step();
        return loss.item();
      });
    return chosen;
  },

  /** @returns the loss before this step */
  loss: () => step(),

  train_step: () => timed(step),

  peak_memory: () => process.resourceUsage().maxRSS * 1024,
});

/** Masks of the whole pixels of boxes, uint8 `[K, height, width]`. */
function rectangles(boxes: readonly number[][], width: number, height: number): Tensor {
  const masks = zeros([boxes.length, height, width], { dtype: 'uint8' });
  for (const [i, box] of boxes.entries()) {
    const [x1, y1, x2, y2] = box.map(Math.floor);
    tidy(() =>
      masks
        .select(0, i)
        .narrow(0, y1, y2 - y1)
        .narrow(1, x1, x2 - x1)
        .fill_(1),
    );
  }
  return masks;
}

function lossIn(precision: Precision, net: Detector, images: Tensor[], targets: DetectionTarget[]): Tensor {
  return tidy(() => {
    const { batch, targets: resized = [] } = net.transform.apply(images, { targets, training: true });
    const losses = forwardIn(precision, 'cpu', () =>
      Object.values(net.lossesOf(batch, net.backbone.forward(batch.tensor), resized)),
    );
    return losses.reduce((sum, loss) => sum.add(loss));
  });
}

/** Without statistics, frozen normalisation lets numbers grow from block to block; as pretrained weights have it, they do not. */
function calm(net: Detector): void {
  noGrad(() => {
    for (const [name, buffer] of net.namedBuffers()) if (name.endsWith('bn3.weight')) buffer.fill_(0.2);
  });
}
