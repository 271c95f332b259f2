/** The command line as runc reads it (urfave/cli): `--name value`, `--name=value`, `-n value`, one dash or two alike. */

export interface OptionSpec {
  /** Further names, `p` for `-p`. */
  short?: string;
  /** What its value is called in help; without one it is a switch. */
  value?: string;
  /** May be given more than once. */
  many?: boolean;
  help: string;
}

export type OptionSpecs = Record<string, OptionSpec>;

export interface Arguments {
  /** True for a switch; the text of the last one for a value. */
  options: Record<string, string | true>;
  /** The switches that were turned off in so many words (`--name=false`), for where that is another thing than to leave them out. */
  off: string[];
  /** All values of options that may be given more than once. */
  lists: Record<string, string[]>;
  operands: string[];
}

/** A command line that cannot be understood: the usage is printed with it. */
export class UsageError extends Error {}

const TRUE = new Set(['true', 't', '1', 'TRUE', 'True', 'T']);
const FALSE = new Set(['false', 'f', '0', 'FALSE', 'False', 'F']);

/** As Go reads one (strconv.ParseBool); undefined where it is none. */
export const booleanOf = (text: string): boolean | undefined => (TRUE.has(text) ? true : FALSE.has(text) ? false : undefined);

/**
 * @param stopAfter options end after this many operands: what follows belongs to a command that is to be run
 * @throws UsageError on an unknown option, a value that is missing, or one that a switch cannot take
 */
export function parseArguments(args: readonly string[], specs: OptionSpecs, stopAfter = Number.POSITIVE_INFINITY): Arguments {
  const result: Arguments = { options: {}, off: [], lists: {}, operands: [] };
  const nameOf = (given: string): string | undefined =>
    Object.hasOwn(specs, given) ? given : Object.keys(specs).find((name) => specs[name]?.short === given);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--' || result.operands.length >= stopAfter) {
      result.operands.push(...args.slice(arg === '--' ? i + 1 : i));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      result.operands.push(arg);
      continue;
    }
    const [, given = '', inline] = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    const name = nameOf(given);
    const spec = name === undefined ? undefined : specs[name];
    if (name === undefined || !spec) throw new UsageError(`flag provided but not defined: -${given}`);
    if (spec.value === undefined) {
      if (inline !== undefined && booleanOf(inline) === undefined)
        throw new UsageError(`invalid boolean value ${JSON.stringify(inline)} for -${given}`);
      result.off = result.off.filter((other) => other !== name);
      if (inline !== undefined && FALSE.has(inline)) {
        delete result.options[name];
        result.off.push(name);
      } else result.options[name] = true;
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined) throw new UsageError(`flag needs an argument: -${given}`);
    result.options[name] = value;
    if (spec.many) result.lists[name] = [...(result.lists[name] ?? []), value];
  }
  return result;
}

/** The lines of help for options. */
export function describeOptions(specs: OptionSpecs): string {
  const rows = Object.entries(specs).map(([name, spec]) => {
    const value = spec.value === undefined ? '' : ' value';
    const long = `--${name}${value}`;
    return [spec.short ? `${long}, -${spec.short}${value}` : long, spec.help] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `   ${left.padEnd(width)}  ${help}\n`).join('');
}

/** The value of an option, if it was given one. */
export const textOf = (args: Arguments, name: string): string | undefined => {
  const value = args.options[name];
  return typeof value === 'string' ? value : undefined;
};
