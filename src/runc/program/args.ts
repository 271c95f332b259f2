/** Constructors for {@link Arg}: the small vocabulary in which `calls.ts` is written. */
import type { Arg, Field, FlagFamily, Ref } from './step.ts';

/** A path or string; an array mixes literal parts with results: `['/proc/self/fd/', ref('root')]`. */
export type Text = string | (string | Ref)[];

/** A file descriptor: a number, AT_FDCWD, or the result of an earlier step. */
export type Fd = number | Ref;

export const NULL: Arg = { kind: 'null' };

/** `family` names the flag table that decodes the value for the reader. */
export const int = (value: number | bigint, family?: FlagFamily): Arg => (family ? { kind: 'int', value, family } : { kind: 'int', value });

/** @throws Error when a string holds a NUL byte, which would silently cut it in C. */
export function text(value: Text): Arg {
  const parts = typeof value === 'string' ? [value] : value;
  for (const part of parts) {
    if (typeof part === 'string' && part.includes('\0'))
      throw new Error(`a NUL byte in ${JSON.stringify(part)} would cut the string short`);
  }
  return { kind: 'text', parts };
}

export const textOrNull = (value: Text | null): Arg => (value === null ? NULL : text(value));

/** AT_FDCWD: relative paths start at the working directory. */
export const AT_FDCWD = -100;

export const fd = (value: Fd): Arg => (typeof value === 'number' ? int(value, 'FD') : value);

export const list = (items: string[]): Arg => ({ kind: 'list', items });

export const buffer = (size: number, name?: string): Arg =>
  name === undefined ? { kind: 'buffer', size } : { kind: 'buffer', size, name };

/** The buffer that an earlier step of the same actor had filled, from byte `offset` on. */
export const memory = (of: string, offset = 0): Arg => ({ kind: 'memory', of, offset });

export const data = (bytes: Uint8Array, shows?: string): Arg => {
  const hex = Buffer.from(bytes).toString('hex');
  return shows === undefined ? { kind: 'data', hex } : { kind: 'data', hex, shows };
};

export const struct = (name: string, fields: Field[]): Arg => ({ kind: 'struct', name, fields });

const field =
  (type: Field['type']) =>
  (name: string, value: number | bigint | Arg, family?: FlagFamily): Field => ({
    name,
    type,
    value: typeof value === 'object' ? value : int(value, family),
  });

export const u16 = field('u16');
export const u32 = field('u32');
export const i32 = field('i32');
export const u64 = field('u64');
export const ptr = (name: string, value: Arg): Field => ({ name, type: 'ptr', value });
export const bytes = (name: string, value: Arg): Field => ({ name, type: 'bytes', value });
