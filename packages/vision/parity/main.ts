/** `npm run parity -- <file.json…>`: do our models, optimisers and operators reproduce recorded figures? */
import { setFlag, setNumThreads, torchVersion } from '@fovea/torch';
import '../models/index.ts';
import { reportFigures } from './figures.ts';
import { checksOf } from './kinds.ts';

setFlag('tf32', false);
// The figures were recorded with one thread; more only add rounding noise.
setNumThreads(1);
await reportFigures({
  script: 'parity',
  paths: process.argv.slice(2),
  checksOf,
  closing: `libtorch ${torchVersion()}`,
});
