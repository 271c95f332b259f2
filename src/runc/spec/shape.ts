/**
 * A few checks for JSON values that put together describe a document: what config.json is
 * checked against. Written by hand because it is loaded at every start of a container: a
 * validation library takes longer to load than the container takes to start.
 */

/** Something in a document that is not allowed. */
export class Violation extends Error {
  readonly pointer: string;
  readonly found: unknown;
  readonly allowed: string;
  /**
   * @param pointer JSON pointer (RFC 6901) of the value, '' for the whole document
   * @param found the value; undefined when it is missing
   * @param allowed what may stand there, to be read after "allowed: "
   */
  constructor(pointer: string, found: unknown, allowed: string) {
    super(`${pointer}: ${allowed}`);
    this.pointer = pointer;
    this.found = found;
    this.allowed = allowed;
  }
}

/** Throws a {@link Violation} when `value`, which stands at the JSON pointer `at`, is not allowed. */
export type Check = (value: unknown, at: string) => void;

/** `at` extended by a property name or an index. */
export const below = (at: string, key: string | number): string => `${at}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

const check =
  (allowed: string, ok: (value: unknown) => boolean): Check =>
  (value, at) => {
    if (!ok(value)) throw new Violation(at, value, allowed);
  };

// A NUL would end the string early for the kernel, which could then act on another path than was checked.
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

export const bool = check('true or false', (v) => typeof v === 'boolean');
export const text = check('a string without NUL bytes', isText);
export const filledText = check('a string that is not empty', (v) => isText(v) && v !== '');
export const absolutePath = check('an absolute path (it starts with /)', (v) => isText(v) && v.startsWith('/'));

/** A string that matches; `allowed` says what in words. */
export const pattern = (form: RegExp, allowed: string): Check => check(allowed, (v) => isText(v) && form.test(v));

/**
 * A whole number from `min` to `max`. Numbers beyond 2^53 are let through although JSON.parse
 * rounds them: config.json writes "no limit" as 2^64-1.
 */
export const integer = (min: number, max: number): Check =>
  check(
    `a whole number from ${min} to ${max === U64 ? '2^64-1' : max === I64 ? '2^63-1' : max}`,
    (v) => Number.isInteger(v) && (v as number) >= min && (v as number) <= max,
  );
export const U16 = 2 ** 16 - 1;
export const U32 = 2 ** 32 - 1;
export const I64 = 2 ** 63;
export const U64 = 2 ** 64;
export const u32 = integer(0, U32);
export const u64 = integer(0, U64);
/** A limit: a number of bytes, processes, …, where -1 stands for none. */
export const limit = integer(-1, I64);

/** One of some words. */
export const oneOf = (words: readonly string[]): Check => {
  const set = new Set<unknown>(words);
  return check(`one of ${words.map((w) => (w === '' ? '""' : w)).join(', ')}`, (v) => set.has(v));
};

/** The same check; what it refuses is also called by the words that other runtimes have for it. */
export const saying =
  (words: (pointer: string) => string, item: Check): Check =>
  (value, at) => {
    try {
      item(value, at);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      throw new Violation(error.pointer, error.found, `${error.allowed} (${words(error.pointer)})`);
    }
  };

/** An array of such things, with at least `min` of them. */
export const list =
  (item: Check, min = 0): Check =>
  (value, at) => {
    if (!Array.isArray(value)) throw new Violation(at, value, 'an array');
    if (value.length < min) throw new Violation(at, value, `an array of at least ${min}`);
    value.forEach((v, i) => {
      item(v, below(at, i));
    });
  };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with properties of any name. */
export const map =
  (item: Check): Check =>
  (value, at) => {
    if (!isObject(value)) throw new Violation(at, value, 'an object');
    for (const [key, v] of Object.entries(value)) item(v, below(at, key));
  };

/**
 * An object with these properties. Others are let through: newer versions of the specification
 * add some. `null` counts as absent (Go programs write it for empty values) and is taken out.
 * @param required names that must be there
 */
export const object =
  (fields: Record<string, Check>, required: readonly string[] = []): Check =>
  (value, at) => {
    if (!isObject(value)) throw new Violation(at, value, 'an object');
    for (const key in value) {
      if (value[key] === null) delete value[key];
      else if (Object.hasOwn(fields, key)) fields[key]?.(value[key], below(at, key));
    }
    for (const key of required) if (value[key] === undefined) throw new Violation(below(at, key), undefined, 'something: it must be there');
  };
