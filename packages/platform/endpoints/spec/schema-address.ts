import { type Problem, squash } from '@fovea/automl/yaml';

/** The kinds of files of endpoints, by the names of their commands. */
export const specKinds = ['online-endpoint', 'online-deployment', 'batch-endpoint', 'batch-deployment'] as const;
export type SpecKindName = (typeof specKinds)[number];

/** Which kind of file the address in `$schema` is for; null for one that tells none of them. */
export function kindOfSchema(address: unknown): SpecKindName | null {
  if (typeof address !== 'string') return null;
  const [, schema = ''] = /([A-Za-z-]+)(?:\.schema)?\.json$/.exec(address) ?? [];
  const word = squash(schema).replace(/^(managed|kubernetes|model)/, '');
  return specKinds.find((kind) => squash(kind) === word) ?? null;
}

/** A file that is of another kind, by its `$schema` or by whose endpoint it names: to check its keys would only make noise. */
export function otherKind(raw: Record<string, unknown>, kind: SpecKindName): Problem | undefined {
  const wanted = article(kind.replace('-', ' '));
  const said = kindOfSchema(raw.$schema);
  if (said !== null && said !== kind) {
    const message = `this file is for ${article(said.replace('-', ' '))}, and ${wanted} is wanted`;
    return { code: 'other-kind', path: ['$schema'], message, hint: `fovea ${said} create takes it` };
  }
  if (!kind.endsWith('-endpoint') || raw.endpoint_name === undefined) return undefined;
  const deployment = kind.replace('endpoint', 'deployment');
  const message = `this file is for a deployment, and ${wanted} is wanted`;
  return {
    code: 'other-kind',
    path: ['endpoint_name'],
    on: 'key',
    message,
    hint: `fovea ${deployment} create takes it`,
  };
}

export const article = (thing: string): string => `${/^[aeiou]/.test(thing) ? 'an' : 'a'} ${thing}`;
