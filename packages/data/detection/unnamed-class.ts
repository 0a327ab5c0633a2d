import type { Issue } from '../issue.ts';

/** The class of objects that nothing names. */
export const UNNAMED_CLASS = 'object';

/** That nothing says what the objects of a source are. @param what they are in the source */
export const unnamedClass = (file: string, what: string): Issue => ({
  code: 'class-unnamed',
  severity: 'warning',
  file,
  message: `nothing says of what class the ${what} are: all are called "${UNNAMED_CLASS}"`,
  hint: 'fovea data convert --label <name> says it',
});
