import type { Range } from '../yaml/value-schema.ts';
import type { Task } from './tasks.ts';

/** A default for a task, for some models, or for some models in a task. */
export interface DefaultException<Value> {
  readonly tasks?: readonly Task[];
  readonly models?: readonly string[];
  readonly value: Value;
}

interface Described<Value> {
  readonly doc: string;
  /** Tasks whose job files may name it. */
  readonly tasks: readonly Task[];
  /** The only models that it has an effect on; all models of its tasks when left out. */
  readonly models?: readonly string[];
  /** May stand in a search space; true unless said otherwise. */
  readonly searchable?: boolean;
  /** null: no value unless one is given. */
  readonly default: Value | null;
  /** Defaults that differ from the general one; a later entry wins over an earlier one. */
  readonly exceptions?: readonly DefaultException<Value>[];
  /** Name in REST `modelSettings`, where it is not the camelCase form of the name. */
  readonly restName?: string;
  /** Names in the v1 SDK, where they differ. */
  readonly v1Names?: readonly string[];
  /** Name in the `settings.json` of a model folder, for what inference reads from there. */
  readonly settingsName?: string;
}

export interface NumberDefinition extends Described<number> {
  readonly kind: 'int' | 'float';
  readonly range: Range;
  /** The word `auto` is taken as well: the trainer finds the value. */
  readonly auto?: true;
}

export interface BoolDefinition extends Described<boolean> {
  readonly kind: 'bool';
}

export interface StringDefinition extends Described<string> {
  readonly kind: 'string';
}

/** Tiles along the width × tiles along the height, as `3x2`. */
export interface GridDefinition extends Described<string> {
  readonly kind: 'grid';
}

export interface EnumDefinition extends Described<string> {
  readonly kind: 'enum';
  readonly values: readonly string[];
  /** Further spellings → the value that they mean. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface AdvancedSettingsDefinition extends Described<AdvancedSettings> {
  readonly kind: 'advanced_settings';
}

/** The flags of `advanced_settings`, which job files write as a string that holds a JSON object. */
export interface AdvancedSettings {
  /** yolov5: mosaic augmentation. */
  readonly apply_mosaic_for_yolo: boolean;
  /** Detection and segmentation: crop around boxes, expand, flip, affine. */
  readonly apply_automl_train_augmentations: boolean;
  /** Read images from their storage while training instead of copying all of them first. */
  readonly stream_image_files: boolean;
}

export type Definition =
  | NumberDefinition
  | BoolDefinition
  | StringDefinition
  | GridDefinition
  | EnumDefinition
  | AdvancedSettingsDefinition;

/** The type of a value that a job may give. */
export type GivenValue<D extends Definition> = D extends NumberDefinition
  ? number | (D extends { auto: true } ? 'auto' : never)
  : D extends BoolDefinition
    ? boolean
    : D extends EnumDefinition
      ? D['values'][number]
      : D extends AdvancedSettingsDefinition
        ? Partial<AdvancedSettings>
        : string;

/** The type of a value with defaults filled in: null where nothing is given and there is no default. */
export type ResolvedValue<D extends Definition> =
  | (D extends AdvancedSettingsDefinition ? AdvancedSettings : GivenValue<D>)
  | (D extends { default: null } ? null : never);
