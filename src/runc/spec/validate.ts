/** config.json as a text, turned into a {@link Config} that the compiler can rely on. */
import type { Config, Process } from './config.ts';
import { checkRules } from './rules.ts';
import { configShape, processShape } from './schema.ts';
import { Violation } from './shape.ts';

/** A config.json that cannot be used, said in one line. */
export class ConfigError extends Error {
  /** The file, as the person named it. */
  readonly file: string;
  /** JSON pointer of the wrong value as a URI fragment (`#/process/cwd`); undefined when the text is no JSON. */
  readonly pointer: string | undefined;
  constructor(file: string, pointer: string | undefined, message: string) {
    super(`${file}: ${message}`);
    this.name = 'ConfigError';
    this.file = file;
    this.pointer = pointer;
  }
}

/**
 * Reads and checks a config.json. Properties that version 1.2 does not know are let through;
 * `null` counts as absent.
 * @param json the text
 * @param name how errors call the file
 * @throws ConfigError naming the file, the JSON pointer, what was found and what is allowed
 */
export function parseConfig(json: string, name: string): Config {
  const config = parseJson(json, name);
  orConfigError(name, () => {
    configShape(config, '');
    checkRules(config as Config);
  });
  const { process } = config as Config;
  return process ? { ...(config as Config), process: withUser(process) } : (config as Config);
}

/** Checks a config that this program made itself: the same rules, for what a person asked on the command line. */
export function checkConfig(config: Config, name: string): Config {
  return parseConfig(JSON.stringify(config), name);
}

/** Reads and checks a process.json: the `process` part of a config alone, for `exec`. */
export function parseProcess(json: string, name: string): Process {
  const process = parseJson(json, name);
  orConfigError(name, () => processShape(process, ''));
  return withUser(process as Process);
}

/** A user that is not named, or only in part, is root: 0 is what the ids are in Go when nothing is said. */
const withUser = (process: Process): Process => ({
  ...process,
  user: { ...process.user, uid: process.user?.uid ?? 0, gid: process.user?.gid ?? 0 },
});

function orConfigError(name: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const found = error.found === undefined ? 'nothing' : shown(error.found);
    throw new ConfigError(name, `#${error.pointer}`, `at #${error.pointer}: found ${found}, allowed: ${error.allowed}`);
  }
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}

/**
 * Values that seccomp rules compare with, 64 bits, of which JSON.parse keeps 53: a filter would
 * compare with another number. Where that matters they become texts. (In a text the quotes would
 * have backslashes, so nothing else looks like this.)
 */
const LARGE_VALUE = /("value(?:Two)?"\s*:\s*)(\d{16,20})(?=\s*[,}])/g;
const exact = (all: string, key: string, digits: string): string => (BigInt(Number(digits)) === BigInt(digits) ? all : `${key}"${digits}"`);

/** JSON.parse that keeps the values of seccomp rules. @throws SyntaxError */
export const parseExactly = (json: string): unknown => JSON.parse(json.replace(LARGE_VALUE, exact));

/** @throws ConfigError saying where the text is no JSON */
export function parseJson(json: string, name: string): unknown {
  try {
    return parseExactly(json);
  } catch (error) {
    throw new ConfigError(name, undefined, `not JSON: ${place(json, (error as Error).message)}`);
  }
}

/** V8 gives an offset into the text; a person's editor counts lines. */
function place(json: string, message: string): string {
  if (json.trim() === '') return 'the file is empty';
  if (/Unexpected end/.test(message)) return 'it ends too early';
  const position = /at position (\d+)/.exec(message);
  // Without an offset the message quotes the place, which may span lines.
  if (!position)
    return message
      .replace(/ is not valid JSON$/, '')
      .replace(', ', ' near ')
      .replace(/\s+/g, ' ');
  const before = json.slice(0, Number(position[1])).split('\n');
  const what = message.split(/ in JSON| at position/)[0];
  return `${what} at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
