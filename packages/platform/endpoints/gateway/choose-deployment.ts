import { RequestError } from '@fovea/serving/instance';
import type { ServedDeployment, ServedEndpoint } from './served.ts';

/**
 * The deployment that a request goes to: the one that it names, or one that is drawn by the rules of traffic.
 *
 * @param named value of the header `azureml-model-deployment`, which bypasses the rules
 * @param random 0 ≤ x < 1
 * @throws RequestError (404) for a name that is unknown, and when no traffic is wanted; (503) while what has traffic is not there
 */
export function chooseDeployment(
  endpoint: ServedEndpoint,
  named: string | undefined,
  random: () => number,
): ServedDeployment {
  const { name, traffic, deployments } = endpoint;
  if (named !== undefined) {
    const deployment = deployments.get(named);
    if (deployment) return deployment;
    const message = `${name} has no deployment ${JSON.stringify(named.slice(0, 64))}; the header azureml-model-deployment should name one that it has, or be left out`;
    throw new RequestError(404, 'DeploymentNotFound', message);
  }
  const all = traffic.reduce((sum, { percent }) => sum + percent, 0);
  if (all <= 0) {
    const message = `${name} has no deployment with traffic: fovea online-endpoint update --name ${name} --traffic "<deployment>=100", or name one in the header azureml-model-deployment`;
    throw new RequestError(404, 'NoTraffic', message);
  }
  let left = traffic.length === 1 ? 0 : random() * all;
  const drawn = traffic.find(({ percent }) => {
    left -= percent;
    return left < 0;
  });
  const deployment = deployments.get((drawn ?? traffic[traffic.length - 1]).deployment);
  if (deployment) return deployment;
  throw notReady(name, (drawn ?? traffic[0]).deployment);
}

/** Nobody is there to answer; it may be different soon. */
export function notReady(endpoint: string, deployment: string): RequestError {
  const message = `no instance of ${deployment} is ready; try again in 1 s, and see fovea online-deployment get-logs --name ${deployment} --endpoint-name ${endpoint}`;
  return new RequestError(503, 'ServiceUnavailable', message, { retryAfter: 1 });
}
