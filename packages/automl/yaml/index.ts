// Files of YAML and their schemas, with every problem at its place: what job files are read with, for other kinds of files. No engine is loaded.
export { converted, either, type JsonSchema, spelling } from './json-schema.ts';
export { isMap, show, valueAt } from './plain-value.ts';
export { inOrder, issueAt, type Problem } from './problem.ts';
export {
  type FoundProblem,
  type SchemaIssue,
  type SchemaWords,
  schemaProblems,
  unknownKey,
  wrongValue,
} from './schema-problems.ts';
export { applySets } from './set.ts';
export {
  alternatives,
  number,
  oneOf,
  type Range,
  section,
  squash,
  text,
  textMap,
  trueOrFalse,
  wholeNumber,
} from './value-schema.ts';
export { type FileKind, formatPath, type Path, readYamlSource, type YamlSource } from './yaml-source.ts';
