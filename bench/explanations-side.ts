// This project's side of the comparison of explanations; see explanations.ts.

import { inTurns, integratedGradients, integrationNodes } from '@fovea/automl/explain';
import { manualSeed, randn, setNumThreads } from '@fovea/torch';
import { createModel } from '@fovea/vision';
import { answerRequests, timed } from './answer-requests.ts';

setNumThreads(2);
let explain = async (_steps: number) => {};

await answerRequests({
  /** A network, and batches, as `openExplainer` has them. */
  prepare_explaining({ model, size }: { model: string; size: number }) {
    manualSeed(0);
    const net = createModel(model, { classes: 1000 }).eval();
    net.to({ memoryFormat: 'channels_last' });
    for (const parameter of net.parameters()) parameter.requiresGrad = false;
    const image = randn([1, 3, size, size]);
    explain = async (steps) => {
      const nodes = integrationNodes('riemann_middle', steps);
      const attributions = await inTurns(
        integratedGradients((x) => net.forward(x), image, { targets: [7], nodes, batch: 8 }),
      );
      attributions.data();
      attributions.dispose();
    };
  },

  integrate_gradients: ({ steps }: { steps: number }) => timed(() => explain(steps)),
});
