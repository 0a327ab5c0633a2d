/** A published checkpoint: where it lives, and what is known of it. */
export interface WeightSource {
  /** Its file name as published. */
  readonly file: string;
  readonly url: string;
  /** The page that describes it. */
  readonly page: string;
  /** SPDX name of the licence of the weights. */
  readonly licence: string;
  /** Classes that its head tells apart; 1000 are ImageNet's, in the usual order. */
  readonly classes: number;
  /** SHA-256 of the file in hex, or its first digits; null when none is published. */
  readonly sha256: string | null;
  /** Paths under which it is looked for in a folder of weights. The first one is where the cache keeps it. */
  readonly paths: readonly string[];
}

interface Published {
  licence: string;
  /** 1000 (ImageNet) when not given. */
  classes?: number;
  /** SHA-256 of the file in hex. */
  sha256?: string;
  /** Further paths under which a folder of weights may hold the same weights, in any format. */
  also?: readonly string[];
}

/**
 * A checkpoint that someone published as a file. Where its name ends in eight or more hex digits, they are the first ones of its
 * SHA-256, as PyTorch's hub wants file names to be, and are checked after a download.
 *
 * @param page where it is described
 * @example published('https://example.org/tinynet-0123abcd.pth', { page: 'https://example.org', licence: 'MIT' })
 */
export function published(
  url: string,
  { page, licence, classes = 1000, sha256, also = [] }: Published & { page: string },
): WeightSource {
  const file = url.slice(url.lastIndexOf('/') + 1);
  const stem = withoutExtension(file);
  const paths = [file, `${stem}.safetensors`, ...also];
  for (const path of paths) checkPath(path);
  const digits = /-([0-9a-f]{8,64})$/.exec(stem)?.[1];
  return { file, url, page, licence, classes, sha256: sha256 ?? digits ?? null, paths };
}

/**
 * A checkpoint of torchvision: https://docs.pytorch.org/vision/stable/models.html. Its file name ends in the first digits of its
 * SHA-256, which is checked after a download.
 *
 * @example torchvision('resnet18-f37072fd.pth', { licence: 'BSD-3-Clause' })
 */
export function torchvision(file: string, options: Published): WeightSource {
  checkPath(file);
  return published(`https://download.pytorch.org/models/${file}`, {
    page: 'https://docs.pytorch.org/vision/stable/models.html',
    ...options,
  });
}

/**
 * A file of a model on the Hugging Face Hub.
 *
 * @param repository `owner/name`
 * @param options.revision branch, tag or commit; `main` when not given. Name a commit for weights that must stay the same.
 * @example huggingFace('timm/resnet18.tv_in1k', 'model.safetensors', { licence: 'BSD-3-Clause' })
 */
export function huggingFace(
  repository: string,
  file: string,
  { licence, classes = 1000, sha256, also = [], revision = 'main' }: Published & { revision?: string },
): WeightSource {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new RangeError(`${repository} is not owner/name`);
  checkPath(repository);
  checkPath(file);
  const page = `https://huggingface.co/${repository}`;
  const name = repository.slice(repository.indexOf('/') + 1);
  return {
    file,
    url: `${page}/resolve/${encodeURIComponent(revision)}/${file}`,
    page,
    licence,
    classes,
    sha256: sha256 ?? null,
    // Many repositories call their file the same, so that it is looked for under the repository's name.
    paths: [`${repository}/${file}`, `${name}/${file}`, `${name}${file.slice(withoutExtension(file).length)}`, ...also],
  };
}

/** Names become paths below a folder: nothing in them may lead out of it. */
function checkPath(path: string): void {
  const good = /^[\w.+-]+(\/[\w.+-]+)*$/.test(path) && !path.split('/').some((part) => part === '..' || part === '.');
  if (!good) throw new RangeError(`${path} is not a plain relative path`);
}

function withoutExtension(file: string): string {
  return file.replace(/\.\w+$/, '');
}
