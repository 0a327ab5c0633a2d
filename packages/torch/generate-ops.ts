// Writes ops.generated.ts: one typed function for each operator named in operators.txt, from the schema that libtorch
// registers. Run: npm run generate:ops
import { readFileSync, writeFileSync } from 'node:fs';
import { hasOp, Operator } from './call.ts';

const list = new URL('operators.txt', import.meta.url);
const target = new URL('ops.generated.ts', import.meta.url);
const RESERVED = new Set(['default', 'delete', 'in', 'new', 'var', 'with', 'this', 'function', 'import', 'export']);

/**
 * `aten::_foreach_add_.List` → `_foreachAddList_`: PyTorch's name in camelCase, then the overload; in-place forms end in `_`. Python's
 * own methods lose their underscores: `aten::__and__.Tensor` → `andTensor`.
 */
export function functionName(operator: string): string {
  const [full, overload = ''] = operator.split('::')[1].split('.');
  const base = full.replace(/^__(.+)__$/, '$1');
  const inPlace = base.endsWith('_');
  const core = camel(inPlace ? base.slice(0, -1) : base) + pascal(overload);
  const name = inPlace ? `${core}_` : core;
  return RESERVED.has(name) ? `${name}Op` : name;
}

const camel = (name: string) => name.replace(/(?!^)_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string) => camel(name).replace(/^./, (letter) => letter.toUpperCase());

/** The TypeScript type of a schema type. */
function typescript(type: string): string {
  const optional = type.endsWith('?');
  const core = optional ? type.slice(0, -1) : type;
  const list = /^(.*)\[(\d*)\]$/.exec(core);
  let result: string;
  if (list) {
    const item = typescript(list[1]);
    const many = `readonly ${item.includes('|') ? `(${item})` : item}[]`;
    result = list[2] ? `${item} | ${many}` : many;
  } else {
    result = scalar(core.replace(/\(.*?\)/, ''));
  }
  return optional ? `${result} | null` : result;
}

function scalar(type: string): string {
  switch (type) {
    case 'ScalarType':
      return 'DType';
    case 'MemoryFormat':
      return 'MemoryFormat';
    case 'Layout':
      return "'strided'";
    case 'Tensor':
      return 'Tensor';
    case 'int':
    case 'SymInt':
    case 'float':
      return 'number';
    case 'Scalar':
      return 'number | boolean';
    case 'bool':
      return 'boolean';
    case 'str':
      return 'string';
    case 'Device':
      return 'string';
    case 'Generator':
      return 'GeneratorHandle';
    default:
      throw new Error(`no TypeScript type for ${type}`);
  }
}

/** Splits at commas outside of brackets and quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ('([{'.includes(text[i])) depth++;
    else if (')]}'.includes(text[i])) depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (text.slice(start).trim()) parts.push(text.slice(start).trim());
  return parts;
}

interface SchemaParameter {
  type: string;
  name: string;
  hasDefault: boolean;
}

function parseParameter(text: string): SchemaParameter {
  const match = /^(.+?) ([A-Za-z_]\w*)(=.*)?$/.exec(text);
  if (!match) throw new Error(`cannot read the parameter "${text}"`);
  return { type: match[1], name: match[2], hasDefault: match[3] !== undefined };
}

/** The TypeScript signature of a registered schema. */
export function signature(schema: string): string {
  const arrow = schema.lastIndexOf(' -> ');
  const open = schema.indexOf('(');
  const parameters = split(schema.slice(open + 1, schema.lastIndexOf(')', arrow)))
    .filter((part) => part !== '*')
    .map(parseParameter);
  const lastRequired = parameters.findLastIndex((parameter) => !parameter.hasDefault);
  const written = parameters.map(({ type, name, hasDefault }, i) => {
    const identifier = RESERVED.has(camel(name)) ? `${camel(name)}_` : camel(name);
    const kind = typescript(type);
    if (i > lastRequired) return `${identifier}?: ${kind}`;
    return `${identifier}: ${kind}${hasDefault ? ' | undefined' : ''}`;
  });
  return `(${written.join(', ')}) => ${results(schema.slice(arrow + 4))}`;
}

function results(text: string): string {
  const types = text.startsWith('(') ? split(text.slice(1, -1)) : [text];
  const written = types.map((type) => typescript(type.replace(/ \w+$/, '')).replace('readonly ', ''));
  if (written.length === 0) return 'void';
  return written.length === 1 ? written[0] : `[${written.join(', ')}]`;
}

/** The names in operators.txt, sorted, each once. */
export const operatorNames = (): string[] =>
  [...new Set(readFileSync(list, 'utf8').split('\n').filter(Boolean))].sort();

/** The text of ops.generated.ts for those of the operators that this libtorch registers. */
export function generate(names: readonly string[]): string {
  const head = `// Written by generate-ops.ts from the schemas that libtorch registers. Do not edit.
import { bind, type GeneratorHandle } from './call.ts';
import type { DType, MemoryFormat, Tensor } from './tensor.ts';
`;
  const functions = names.map((name) => {
    const schema = Operator.find(name)?.schema;
    if (!schema) return '';
    return `\n/** \`${schema}\` */\nexport const ${functionName(name)}: ${signature(schema)} = bind('${name}');\n`;
  });
  return head + functions.join('');
}

if (import.meta.main) {
  const names = operatorNames();
  const absent = names.filter((name) => !hasOp(name));
  writeFileSync(list, `${names.join('\n')}\n`);
  writeFileSync(target, generate(names));
  console.log(
    `${names.length - absent.length} operators written${absent.length ? `; this libtorch lacks ${absent.join(', ')}` : ''}`,
  );
}
