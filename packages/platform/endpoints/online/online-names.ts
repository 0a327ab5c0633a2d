import { invalid } from '../../refusal.ts';
import { isEndpointName } from '../spec/endpoint-fields.ts';

/** @throws Refusal for a text that cannot be the name of an endpoint or of a deployment */
export function checkOnlineName(text: string, what: 'endpoint' | 'deployment'): string {
  if (isEndpointName(text)) return text;
  const rule = '3 to 32 letters, digits and single dashes between them, the first of them a letter';
  throw invalid(
    `${JSON.stringify(text.slice(0, 300))} cannot be the name of an ${what}: ${rule}`.replace('an dep', 'a dep'),
    'name',
    'InvalidName',
  );
}

/** What the rows of a deployment are called. */
export const deploymentRowName = (endpoint: string, deployment: string): string => `${endpoint}/${deployment}`;
