/** Updates of records: which of their fields a request names. Source: google.protobuf.FieldMask, as containerd reads it. */
import { invalidArgument } from './errors.ts';

/**
 * Copies the named fields of `change` into `current`. `labels` replaces all of them, `labels.NAME`
 * one (an empty value removes it), and so for each field that is a map.
 * @param fields what may be named, each by its name in the protocol and its key in the record
 * @throws invalid argument for any other field
 */
export function applyMask<T extends object>(
  current: T,
  change: T,
  paths: readonly string[],
  fields: Record<string, keyof T>,
  refuse: (path: string) => string,
): void {
  for (const path of paths) {
    const dot = path.indexOf('.');
    const whole = fields[path];
    const of = dot > 0 ? fields[path.slice(0, dot)] : undefined;
    if (whole !== undefined) current[whole] = change[whole];
    else if (of !== undefined) setIn(current[of], change[of], path.slice(dot + 1));
    else throw invalidArgument(refuse(path));
  }
}

function setIn(current: unknown, change: unknown, name: string): void {
  const [into, from] = [current as Record<string, unknown>, change as Record<string, unknown>];
  if (from[name] === undefined || from[name] === '') delete into[name];
  else into[name] = from[name];
}
