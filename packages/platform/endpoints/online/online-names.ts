import { invalid } from '../../refusal.ts';

const longest = 32;
const pattern = /^[a-zA-Z](?:-?[a-zA-Z0-9])+$/;

/** @throws Refusal for a text that cannot be the name of an endpoint or of a deployment */
export function checkOnlineName(text: string, what: 'endpoint' | 'deployment'): string {
  if (text.length >= 3 && text.length <= longest && pattern.test(text)) return text;
  const rule = `3 to ${longest} letters, digits and single dashes between them, the first of them a letter`;
  throw invalid(
    `${JSON.stringify(text.slice(0, 300))} cannot be the name of an ${what}: ${rule}`.replace('an dep', 'a dep'),
    'name',
    'InvalidName',
  );
}

/** What the rows of a deployment are called. */
export const deploymentRowName = (endpoint: string, deployment: string): string => `${endpoint}/${deployment}`;
