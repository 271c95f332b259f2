/**
 * Building blocks for the schemas of request bodies. Go's clients send null for what they leave
 * out, so null and absent mean the same everywhere. Unknown fields are ignored, as in Docker.
 */
import * as v from 'valibot';

/** May be missing or null; undefined then. */
export const optional = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );

/** The same with a value that stands for nothing. */
export const withDefault = <S extends v.GenericSchema>(schema: S, value: v.InferOutput<S>) =>
  v.pipe(
    v.nullish(schema),
    v.transform((given): v.InferOutput<S> => given ?? value),
  );

/** An object with any keys. A list, which valibot takes for one with numbers as its keys, is none. */
export const mapOf = <S extends v.GenericSchema>(value: S) =>
  v.pipe(
    v.custom<object>(
      (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
      'Invalid type: Expected an object with keys',
    ),
    v.record(v.string(), value),
  );

export const text = optional(v.string());
export const boolean = optional(v.boolean());
/** Go's int64; what a double cannot hold exactly is refused. */
export const integer = optional(v.pipe(v.number(), v.safeInteger()));
export const texts = optional(v.array(v.string()));
export const labels = optional(mapOf(v.string()));
/** `{"80/tcp": {}}`: a set. */
export const set = optional(mapOf(v.nullish(v.looseObject({}))));
/** A command: a list of words, or one word. */
export const words = optional(
  v.pipe(
    v.union([v.array(v.string()), v.string()]),
    v.transform((value) => (typeof value === 'string' ? [value] : value)),
  ),
);
