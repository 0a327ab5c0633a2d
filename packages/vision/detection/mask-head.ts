/** The shape of what is in each region. He et al. 2017, https://arxiv.org/abs/1703.06870, with torchvision's names. */
import { nn, type Tensor, tidy } from '@fovea/torch';

/** Channels of all layers but the last. */
const WIDTH = 256;
const LAYERS = 4;

/** Four convolutions that keep the size: `[R, C, h, w]` → `[R, 256, h, w]`. */
export class MaskHead extends nn.Sequential {
  constructor(channels: number) {
    const convolutions = Array.from(
      { length: LAYERS },
      (_, layer) => new nn.Conv2d(layer === 0 ? channels : WIDTH, WIDTH, 3, { padding: 1 }),
    );
    super(...convolutions.map((layer) => new nn.Sequential(layer, new nn.ReLU({ inplace: true }))));
    for (const { weight, bias } of convolutions) {
      nn.init.kaimingNormal_(weight, { mode: 'fan_out', nonlinearity: 'relu' });
      if (bias) nn.init.zeros_(bias);
    }
  }

  override forward(x: Tensor): Tensor {
    return tidy(() => super.forward(x));
  }
}

/** Logits of a mask for each class, twice as fine: `[R, 256, h, w]` → `[R, classes, 2h, 2w]`. */
export class MaskPredictor extends nn.Module {
  conv5_mask;
  mask_fcn_logits;

  constructor(classes: number) {
    super();
    this.conv5_mask = new nn.ConvTranspose2d(WIDTH, WIDTH, 2, { stride: 2 });
    this.mask_fcn_logits = new nn.Conv2d(WIDTH, classes, 1);
    for (const { weight } of [this.conv5_mask, this.mask_fcn_logits])
      nn.init.kaimingNormal_(weight, { mode: 'fan_out', nonlinearity: 'relu' });
  }

  forward(x: Tensor): Tensor {
    return tidy(() => this.mask_fcn_logits.forward(this.conv5_mask.forward(x).relu_()));
  }
}
