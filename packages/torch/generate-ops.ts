// Writes ops.generated.ts: one typed function for each operator named in operators.txt, from the schema that libtorch
// registers. Run: npm run generate:ops
import { readFileSync, writeFileSync } from 'node:fs';
import { hasOp, Operator } from './call.ts';

const list = new URL('operators.txt', import.meta.url);
const target = new URL('ops.generated.ts', import.meta.url);
const RESERVED = new Set(['default', 'delete', 'in', 'new', 'var', 'with', 'this', 'function', 'import', 'export']);

/** `aten::_foreach_add_.List` → `_foreachAddList_`: PyTorch's name in camelCase, then the overload; in-place forms end in `_`. */
export function functionName(operator: string): string {
  const [base, overload = ''] = operator.split('::')[1].split('.');
  const inPlace = base.endsWith('_');
  const core = camel(inPlace ? base.slice(0, -1) : base) + pascal(overload);
  const name = inPlace ? `${core}_` : core;
  return RESERVED.has(name) ? `${name}Op` : name;
}

const camel = (name: string) => name.replace(/(?!^)_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string) => camel(name).replace(/^./, (letter) => letter.toUpperCase());

/** The TypeScript type of a schema type. `name` tells dtypes and memory formats from other integers, which schemas do not. */
function typescript(type: string, name: string): string {
  const optional = type.endsWith('?');
  const core = optional ? type.slice(0, -1) : type;
  const list = /^(.*)\[(\d*)\]$/.exec(core);
  let result: string;
  if (list) {
    const item = typescript(list[1], name);
    const many = `readonly ${item.includes('|') ? `(${item})` : item}[]`;
    result = list[2] ? `${item} | ${many}` : many;
  } else {
    result = scalar(core.replace(/\(.*?\)/, ''), name);
  }
  return optional ? `${result} | null` : result;
}

function scalar(type: string, name: string): string {
  if (name === 'dtype') return 'DType';
  if (name === 'memory_format') return 'MemoryFormat';
  if (name === 'layout') return "'strided'";
  switch (type) {
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
      throw new Error(`no TypeScript type for ${type} (${name})`);
  }
}

/** Splits at commas outside of brackets. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if ('([{'.includes(text[i])) depth++;
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

function signature(schema: string): string {
  const arrow = schema.lastIndexOf(' -> ');
  const open = schema.indexOf('(');
  const parameters = split(schema.slice(open + 1, schema.lastIndexOf(')', arrow)))
    .filter((part) => part !== '*')
    .map(parseParameter);
  const lastRequired = parameters.findLastIndex((parameter) => !parameter.hasDefault);
  const written = parameters.map(({ type, name, hasDefault }, i) => {
    const identifier = RESERVED.has(camel(name)) ? `${camel(name)}_` : camel(name);
    const kind = typescript(type, name);
    if (i > lastRequired) return `${identifier}?: ${kind}`;
    return `${identifier}: ${kind}${hasDefault ? ' | undefined' : ''}`;
  });
  return `(${written.join(', ')}) => ${results(schema.slice(arrow + 4))}`;
}

function results(text: string): string {
  const types = text.startsWith('(') ? split(text.slice(1, -1)) : [text];
  const written = types.map((type) => typescript(type.replace(/ \w+$/, ''), '').replace('readonly ', ''));
  if (written.length === 0) return 'void';
  return written.length === 1 ? written[0] : `[${written.join(', ')}]`;
}

if (import.meta.main) {
  const names = [...new Set(readFileSync(list, 'utf8').split('\n').filter(Boolean))].sort();
  const absent = names.filter((name) => !hasOp(name));
  const functions = names
    .filter((name) => hasOp(name))
    .map((name) => {
      const schema = Operator.find(name)?.schema ?? '';
      return `/** \`${schema}\` */\nexport const ${functionName(name)}: ${signature(schema)} = bind('${name}');\n`;
    });
  const head = `// Written by generate-ops.ts from the schemas that libtorch registers. Do not edit.
import { bind, type GeneratorHandle } from './call.ts';
import type { DType, MemoryFormat, Tensor } from './tensor.ts';
`;
  writeFileSync(list, `${names.join('\n')}\n`);
  writeFileSync(target, `${head}\n${functions.join('\n')}`);
  console.log(
    `${functions.length} operators written${absent.length ? `; this libtorch lacks ${absent.join(', ')}` : ''}`,
  );
}
