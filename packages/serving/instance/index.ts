// One instance of a deployment. What imports this loads neither ONNX Runtime nor an engine: the threads of the instance do.
import { fileURLToPath } from 'node:url';

export type { Explain, Explanation, ExplanationRequest, OpenExplainer } from './explanation.ts';
export {
  type ExplanationParameters,
  explanationParameters,
  XAI_ALGORITHMS,
  type XaiAlgorithm,
} from './explanation-parameters.ts';
export { HeldBytes } from './held-bytes.ts';
export { requestIds } from './http-answers.ts';
export type { ImageAddresses } from './image-url.ts';
export type { InstanceMessage } from './instance-process.ts';
export { type InstanceOptions, instanceOptions } from './options.ts';
export { Permits } from './permits.ts';
export { refuse } from './refuse-connection.ts';
export { tooLarge } from './request-body.ts';
export { RequestError } from './request-error.ts';
export type { ServedModel } from './served-model.ts';
export { type Instance, type InstanceParts, startInstance } from './start-instance.ts';
export { untilAnswered } from './until-answered.ts';

/** The program that is one instance; see main.ts for how it is started. */
export const instanceProgram = fileURLToPath(new URL('./main.ts', import.meta.url));
