/** `npm run goldens -- <file.json…>`: do our metrics give the figures that reference programs recorded? */
import { reportFigures } from '@fovea/vision/figures';
import { checksOf } from './kinds.ts';

await reportFigures({ script: 'goldens', paths: process.argv.slice(2), checksOf });
