// Loaded before every test file by npm test: properties draw the same examples in every run, so that a change of the tree is judged by
// what changed. FOVEA_SEED=<number> draws others; a file that is run by node --test alone draws anew each time.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FOVEA_SEED ?? 1) });
