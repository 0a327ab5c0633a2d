import { invalid } from '../refusal.ts';

/** A version of an asset: a version, or `@` and a label. */
export interface AssetReference {
  readonly name: string;
  /** `3`, `@latest`, `@best`. */
  readonly version: string;
}

const name = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$/;
const version = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,29}$/;

/** @throws Refusal for a text that cannot be the name of an asset, or of anything else in a workspace */
export function checkName(text: string, what: string): string {
  if (name.test(text)) return text;
  const rule = 'letters, digits, - and _, at most 255, the first of them a letter or a digit';
  throw invalid(
    `${JSON.stringify(text)} cannot be the name of ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}: ${rule}`,
    'name',
    'InvalidName',
  );
}

/** @throws Refusal for a text that cannot be a version */
export function checkVersion(text: string): string {
  if (version.test(text)) return text;
  const rule = 'letters, digits, ".", - and _, at most 30, the first of them a letter or a digit';
  throw invalid(`${JSON.stringify(text)} cannot be a version: ${rule}`, 'version', 'InvalidVersion');
}

const armId = /^\/subscriptions\/[^/]+\/.*\/(data|models|environments|components|codes)\/([^/]+)\/versions\/([^/]+)$/i;

/**
 * Reads `azureml:name:version`, `azureml:name@label`, and the ids that REST has for versions, with or without `azureml:` before them.
 * @returns null for a text of another kind, which may be a path
 */
export function parseAssetReference(text: string): AssetReference | null {
  const isPrefixed = text.startsWith('azureml:') && !text.startsWith('azureml://');
  const rest = isPrefixed ? text.slice('azureml:'.length) : text;
  const id = armId.exec(rest);
  if (id) return checked(decoded(id[2]), decoded(id[3]));
  if (!isPrefixed) return null;
  const [, found = '', separator = '', tail = ''] = /^([^:@]*)(:@|[:@])?(.*)$/s.exec(rest) ?? [];
  if (separator === '' || tail === '') {
    throw invalid(
      `${text} does not say which version: azureml:${found || 'name'}:1, or azureml:${found || 'name'}@latest`,
      undefined,
      'InvalidReference',
    );
  }
  return separator === ':'
    ? checked(found, tail)
    : { name: checkName(found, 'asset'), version: `@${checkVersion(tail)}` };
}

const checked = (found: string, tail: string): AssetReference => ({
  name: checkName(found, 'asset'),
  version: checkVersion(tail),
});

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(`${part} is not text that stands in an address`, undefined, 'InvalidReference');
  }
}

/** How people and `az ml` write a version of an asset. */
export const referenceTo = ({ name, version }: AssetReference): string =>
  version.startsWith('@') ? `azureml:${name}${version}` : `azureml:${name}:${version}`;
