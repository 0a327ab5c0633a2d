import { readTileGrid } from '@fovea/vision/transforms';
import { z } from 'zod';
import { number, oneOf, text, trueOrFalse, wholeNumber } from '../yaml/value-schema.ts';
import type { Definition, GivenValue, NumberDefinition } from './hyperparameter-definition.ts';

/** `3x2`; the v1 spelling `(3, 2)` becomes that. */
const tileGrid = () =>
  z.string({ error: () => 'must be two numbers as in 3x2' }).transform((value, context) => {
    const read = readTileGrid(value);
    if (!('wrong' in read)) return `${read.columns}x${read.rows}`;
    context.addIssue({ code: 'custom', message: `must be ${read.wrong}` });
    return z.NEVER;
  });

const advancedSettings = () =>
  z.preprocess(
    jsonFromText,
    z.object(
      {
        apply_mosaic_for_yolo: trueOrFalse().meta({ description: 'Mosaics of four images, for yolov5.' }).optional(),
        apply_automl_train_augmentations: trueOrFalse()
          .meta({ description: 'Crop around boxes, expand, mirror and move, for detectors.' })
          .optional(),
        stream_image_files: trueOrFalse()
          .meta({ description: 'Read images while training instead of copying all of them first.' })
          .optional(),
      },
      { error: () => `must be text that holds a JSON object, as '{"stream_image_files": true}'` },
    ),
  );

/** The schema of a hyperparameter's fixed value. */
export function valueSchema<D extends Definition>(definition: D): z.ZodType<GivenValue<D>> {
  return schemaByKind(definition).meta({ description: definition.doc }) as unknown as z.ZodType<GivenValue<D>>;
}

function schemaByKind(definition: Definition): z.ZodType {
  switch (definition.kind) {
    case 'int':
    case 'float':
      return definition.auto ? orAuto(numberSchema(definition)) : numberSchema(definition);
    case 'bool':
      return trueOrFalse();
    case 'string':
      return text();
    case 'grid':
      return tileGrid();
    case 'enum':
      return oneOf(definition.values as readonly [string, ...string[]], definition.aliases);
    case 'advanced_settings':
      return advancedSettings();
  }
}

const numberSchema = ({ kind, range }: NumberDefinition) => (kind === 'int' ? wholeNumber(range) : number(range));

/** The schema's value, or the word `auto`. */
const orAuto = (schema: ReturnType<typeof number>) =>
  z.unknown().transform((value, context) => {
    if (value === 'auto') return value;
    const { data, error } = schema.safeParse(value);
    if (error) context.addIssue({ code: 'custom', message: `${error.issues[0].message}, or auto` });
    return data;
  });

/** The value that JSON text holds; null for anything else. */
export function jsonFromText(value: unknown): unknown {
  if (typeof value !== 'string') return null;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
