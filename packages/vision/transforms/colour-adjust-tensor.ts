/**
 * Changes of colour on tensors, as torchvision's `functional_tensor` makes them, for images that are tensors already (on a GPU).
 * They differ a little from those on 8-bit pixels (`colour-adjust.ts`), as torchvision's own two kinds do.
 *
 * Images are RGB, [3, H, W] or [N, 3, H, W]: uint8, or floating point from 0 to 1. The result has the same dtype. `contrast` takes the
 * mean of each image.
 */
import { ops, type Tensor } from '@fovea/torch';

export const adjustTensor = {
  /** Times `factor`. */
  brightness: (image: Tensor, factor: number): Tensor => blend(image, image.mul(0), factor),

  /** Away from (factor > 1) or towards (< 1) the image's mean luma. */
  contrast: (image: Tensor, factor: number): Tensor =>
    blend(image, asFloat(luma(image)).mean([-3, -2, -1], true), factor),

  /** Away from or towards each pixel's own luma. */
  saturation: (image: Tensor, factor: number): Tensor => blend(image, luma(image), factor),

  /**
   * Turns every hue by `factor` of the colour circle.
   * @throws RangeError for a factor that is not within −0.5 … 0.5
   */
  hue(image: Tensor, factor: number): Tensor {
    if (!(factor >= -0.5 && factor <= 0.5)) throw new RangeError(`hue factor ${factor} is not within −0.5 … 0.5`);
    if (image.dtype !== 'uint8') return turnHue(image, factor);
    return turnHue(image.float().div(255), factor).mul(255).to({ dtype: 'uint8' });
  },
};

const asFloat = (image: Tensor): Tensor => (image.dtype === 'uint8' ? image.float() : image);

/** factor · image + (1 − factor) · other, within the range of the image's dtype. */
function blend(image: Tensor, other: Tensor, factor: number): Tensor {
  const most = image.dtype === 'uint8' ? 255 : 1;
  const mixed = asFloat(image)
    .mul(factor)
    .add(asFloat(other).mul(1 - factor));
  return mixed.clamp(0, most).to({ dtype: image.dtype });
}

function luma(image: Tensor): Tensor {
  const [r, g, b] = channels(asFloat(image));
  return r.mul(0.2989).add(g.mul(0.587)).add(b.mul(0.114)).to({ dtype: image.dtype }).unsqueeze(-3);
}

const channels = (image: Tensor): Tensor[] => [0, 1, 2].map((c) => image.select(-3, c));

/** To HSV, where hue counts from 0 to 1, and back. */
function turnHue(image: Tensor, factor: number): Tensor {
  const [r, g, b] = channels(image);
  const [max] = image.maxDim(-3);
  const [min] = image.minDim(-3);
  const range = max.sub(min);
  const isGrey = range.eq(0);
  const one = max.mul(0).add(1);
  const saturation = range.div(ops.whereSelf(isGrey, one, max));
  const divisor = ops.whereSelf(isGrey, one, range);
  const [rc, gc, bc] = [r, g, b].map((channel) => max.sub(channel).div(divisor));
  const [isRed, isGreen] = [max.eq(r), max.eq(g)];
  const sixths = ops.whereSelf(isRed, bc.sub(gc), ops.whereSelf(isGreen, rc.add(2).sub(bc), gc.add(4).sub(rc)));
  const turn = fraction(fraction(sixths.div(6).add(1)).add(factor));

  const position = turn.mul(6);
  const f = position.sub(position.floor());
  // A hue that was rounded up to 1 is red, too.
  const sector = ops.whereSelf(position.lt(6), position, position.mul(0)).floor();
  const within = (value: Tensor): Tensor => value.clamp(0, 1);
  const inverse = (value: Tensor): Tensor => value.neg().add(1);
  const p = within(max.mul(inverse(saturation)));
  const q = within(max.mul(inverse(saturation.mul(f))));
  const t = within(max.mul(inverse(saturation.mul(inverse(f)))));
  const pick = (...six: Tensor[]): Tensor =>
    six.reduceRight((others, value, k) => ops.whereSelf(sector.eq(k), value, others));
  return ops.stack([pick(max, q, p, p, t, max), pick(t, max, max, q, p, p), pick(p, p, t, max, max, q)], -3);
}

/** What is left after whole numbers are taken away: 0 ≤ x < 1. */
const fraction = (value: Tensor): Tensor => value.sub(value.floor());
