/**
 * ViT: an image as a sequence of patches in a transformer encoder. Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929.
 *
 * Names and initial weights are timm's (`vit_base_patch16_224`), so its checkpoints load as they are.
 */
import { cat, nn, Parameter, randn, type Tensor, zeros } from '@fovea/torch';
import { IMAGENET_MEAN, IMAGENET_STD } from '../imagenet.ts';
import { classifier } from '../registry.ts';
import { huggingFace } from '../weights/source.ts';
import { resamplePositions } from './resample-positions.ts';

const PATCH = 16;
const EPSILON = 1e-6;

/** What tells the sizes of ViT apart. Table 1 of the paper. */
export interface EncoderShape {
  /** Features of each token. */
  width: number;
  /** Number of blocks. */
  depth: number;
  /** Attention heads, among which the features are divided. */
  heads: number;
}

/** `[N, 3, H, W]` → one token for each patch, row by row: `[N, H/16 · W/16, width]`. */
class PatchEmbed extends nn.Module {
  proj;

  constructor(width: number) {
    super();
    this.proj = new nn.Conv2d(3, width, PATCH, { stride: PATCH });
  }

  forward(x: Tensor): Tensor {
    return this.proj.forward(x).flatten(2).transpose(1, 2);
  }
}

/** Every token asks all others what they know. Vaswani et al. 2017, section 3.2.2; queries, keys and values by one product. */
class Attention extends nn.Module {
  qkv;
  proj;
  readonly #heads: number;
  readonly #headWidth: number;

  constructor(width: number, heads: number) {
    super();
    this.qkv = new nn.Linear(width, 3 * width);
    this.proj = new nn.Linear(width, width);
    this.#heads = heads;
    this.#headWidth = width / heads;
  }

  forward(x: Tensor): Tensor {
    const [images, tokens, width] = x.shape;
    const parts = this.qkv.forward(x).reshape([images, tokens, 3, this.#heads, this.#headWidth]);
    const [queries, keys, values] = [0, 1, 2].map((part) => parts.select(2, part).transpose(1, 2));
    // Scaled before the product, not after: there are fewer queries than pairs of tokens.
    const pairs = queries.mul(this.#headWidth ** -0.5).matmul(keys.transpose(-2, -1));
    const mixed = pairs.softmax(-1).matmul(values);
    return this.proj.forward(mixed.transpose(1, 2).reshape([images, tokens, width]));
  }
}

/** Two layers that work on each token alone. */
class Mlp extends nn.Module {
  fc1;
  fc2;

  constructor(width: number, hidden: number) {
    super();
    this.fc1 = new nn.Linear(width, hidden);
    this.fc2 = new nn.Linear(hidden, width);
  }

  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).gelu());
  }
}

/** Attention, then a perceptron, each after a norm and added to its input. Figure 1 of the paper, right. */
class Block extends nn.Module {
  norm1;
  attn;
  norm2;
  mlp;

  constructor(width: number, heads: number) {
    super();
    this.norm1 = new nn.LayerNorm(width, { eps: EPSILON });
    this.attn = new Attention(width, heads);
    this.norm2 = new nn.LayerNorm(width, { eps: EPSILON });
    this.mlp = new Mlp(width, 4 * width);
  }

  forward(x: Tensor): Tensor {
    const y = x.add(this.attn.forward(this.norm1.forward(x)));
    return y.add(this.mlp.forward(this.norm2.forward(y)));
  }
}

/**
 * `[N, 3, size, size]` → logits `[N, classes]`, read from the class token. Position embeddings bind the network to images of one
 * size; weights that were learned at another are resampled when they are loaded.
 */
export class VisionTransformer extends nn.Module {
  cls_token;
  pos_embed;
  patch_embed;
  // timm's places for norms that this variant does not have: they are points to compare intermediate values at.
  norm_pre = new nn.Identity();
  blocks;
  norm;
  fc_norm = new nn.Identity();
  head;
  readonly #size: number;

  /** @throws RangeError when patches do not fill the image */
  constructor({ width, depth, heads }: EncoderShape, classes: number, size: number) {
    super();
    if (!Number.isInteger(size / PATCH) || size < PATCH) {
      throw new RangeError(`images of ${size} × ${size} cannot be cut into patches of ${PATCH} × ${PATCH} pixels`);
    }
    this.#size = size;
    this.patch_embed = new PatchEmbed(width);
    this.cls_token = new Parameter(zeros([1, 1, width]));
    // timm 0.9 draws them here and again below: both, so that the same seed gives the same network.
    this.pos_embed = new Parameter(randn([1, 1 + (size / PATCH) ** 2, width]));
    this.blocks = new nn.Sequential(...Array.from({ length: depth }, () => new Block(width, heads)));
    this.norm = new nn.LayerNorm(width, { eps: EPSILON });
    this.head = new nn.Linear(width, classes);

    nn.init.truncNormal_(this.pos_embed, 0, 0.02);
    nn.init.normal_(this.cls_token, 0, 1e-6);
    for (const module of this.namedModules().values()) {
      if (!(module instanceof nn.Linear)) continue;
      nn.init.truncNormal_(module.weight, 0, 0.02);
      if (module.bias) nn.init.zeros_(module.bias);
    }
  }

  forward(x: Tensor): Tensor {
    const [images, , height, width] = x.shape;
    if (height !== this.#size || width !== this.#size) {
      throw new RangeError(
        `images of ${height} × ${width}, but the network was made for ${this.#size} × ${this.#size}`,
      );
    }
    const patches = this.patch_embed.forward(x);
    const tokens = cat([this.cls_token.expand([images, -1, -1]), patches], 1).add(this.pos_embed);
    const encoded = this.norm.forward(this.blocks.forward(this.norm_pre.forward(tokens)));
    return this.head.forward(this.fc_norm.forward(encoded.select(1, 0)));
  }

  /** Weights as this network takes them: position embeddings for another number of patches are resampled to its own. */
  adaptWeights(state: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
    const given = state.get('pos_embed');
    const own = this.pos_embed;
    const [, tokens, width] = given?.shape ?? [];
    const isOfOtherGrid = tokens !== own.size(1) && width === own.size(2) && Number.isInteger(Math.sqrt(tokens - 1));
    if (!given || !isOfOtherGrid) return state;
    return new Map(state).set('pos_embed', resamplePositions(given, this.#size / PATCH));
  }
}

/**
 * The documented preprocessing of every model is that of ImageNet's mean and deviation, though timm's authors fed these checkpoints
 * (x − 0.5) / 0.5: fine-tuning adapts to the difference, and a served model must do what its documents say.
 */
const input = {
  size: 224,
  sizes: { from: PATCH, step: PATCH },
  oneSize: true,
  mean: IMAGENET_MEAN,
  std: IMAGENET_STD,
  interpolation: 'bilinear',
} as const;

const stages = (depth: number) => ['patch_embed', ...Array.from({ length: depth }, (_, index) => `blocks.${index}.`)];

/** What the class token is told last: the block's other tokens go nowhere after it. */
const lastTokens = (depth: number) => `blocks.${depth - 1}.norm1`;

const shared = { paper: 'https://arxiv.org/abs/2010.11929', input, head: 'head.' };

export const vitS16 = classifier({
  name: 'vits16r224',
  aliases: ['vit_small_patch16_224'],
  build: (classes, size) => new VisionTransformer({ width: 384, depth: 12, heads: 6 }, classes, size),
  parameters: 22_050_664,
  weights: huggingFace('timm/vit_small_patch16_224.augreg_in21k_ft_in1k', 'model.safetensors', {
    licence: 'Apache-2.0',
    also: ['vit_small_patch16_224.safetensors', 'vit_small_patch16_224.pth'],
  }),
  freeze: stages(12),
  gradCam: lastTokens(12),
  defaults: { training_batch_size: 128, validation_batch_size: 128, learning_rate: 0.0125 },
  multilabelDefaults: { learning_rate: 0.025 },
  ...shared,
});

export const vitB16 = classifier({
  name: 'vitb16r224',
  aliases: ['vit_base_patch16_224'],
  build: (classes, size) => new VisionTransformer({ width: 768, depth: 12, heads: 12 }, classes, size),
  parameters: 86_567_656,
  weights: huggingFace('timm/vit_base_patch16_224.augreg2_in21k_ft_in1k', 'model.safetensors', {
    licence: 'Apache-2.0',
    revision: '063c6c38a5d8510b2e57df480445e94b231dad2c',
    sha256: '32aa17d6e17b43500f531d5f6dc9bc93e56ed8841b8a75682e1bb295d722405b',
    also: ['vit_base_patch16_224.safetensors', 'vit_base_patch16_224.pth'],
  }),
  freeze: stages(12),
  gradCam: lastTokens(12),
  defaults: { training_batch_size: 48, validation_batch_size: 48, learning_rate: 0.0125 },
  multilabelDefaults: { learning_rate: 0.025 },
  ...shared,
});

export const vitL16 = classifier({
  name: 'vitl16r224',
  aliases: ['vit_large_patch16_224'],
  build: (classes, size) => new VisionTransformer({ width: 1024, depth: 24, heads: 16 }, classes, size),
  parameters: 304_326_632,
  weights: huggingFace('timm/vit_large_patch16_224.augreg_in21k_ft_in1k', 'model.safetensors', {
    licence: 'Apache-2.0',
    also: ['vit_large_patch16_224.safetensors', 'vit_large_patch16_224.pth'],
  }),
  freeze: stages(24),
  gradCam: lastTokens(24),
  defaults: { training_batch_size: 10, validation_batch_size: 10, learning_rate: 0.001 },
  multilabelDefaults: { learning_rate: 0.002 },
  ...shared,
});
