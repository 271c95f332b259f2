/**
 * Log drivers by name, and what can be said to them: `--log-driver`, `--log-opt`.
 *
 * There are json-file, local and none. Docker's local driver has a binary format of its own, which it
 * promises nothing about; ours writes the same entries as json-file, into another file and with other
 * defaults (five files of 20 MB, old ones compressed). `mode=non-blocking` means that a container
 * never waits for its log: for files that only means that it does not wait for the disk, and it never
 * does, because an append ends in the kernel's memory. So the mode and its buffer size are accepted,
 * and change nothing.
 * @see https://docs.docker.com/engine/logging/configure/
 */
import { join } from 'node:path';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';
import { checkTag } from './attributes.ts';
import type { LogFileSettings } from './log-file.ts';

export interface LogConfig {
  Type: string;
  Config: Record<string, string>;
}

type Options = Readonly<Record<string, string>>;

interface Driver {
  defaults: { maxSize?: number; maxFiles: number; compress: boolean };
  unknownOption: (name: string) => string;
  /** Where its file is, in the container's folder. */
  file: (id: string) => string;
}

const DRIVERS: Record<string, Driver> = {
  'json-file': {
    defaults: { maxFiles: 1, compress: false },
    unknownOption: (name) => `unknown log opt '${name}' for json-file log driver`,
    file: (id) => `${id}-json.log`,
  },
  local: {
    defaults: { maxSize: 20 << 20, maxFiles: 5, compress: true },
    unknownOption: (name) => `unknown log opt '${name}' for log driver local`,
    file: () => join('local-logs', 'container.log'),
  },
};

const NONE = 'none';

/** For `info`. */
export const LOG_DRIVERS: readonly string[] = [...Object.keys(DRIVERS), NONE].sort();

const COMMON = new Set(['mode', 'max-buffer-size']);
const OPTIONS = new Set(['max-size', 'max-file', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag']);

/** Decimal, as Docker reads these: 10m is ten million. @throws 400 */
function sizeOf(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp])?(?:i?b)?$/i.exec(text) ?? [];
  if (number === undefined) throw badRequest(`invalid size: '${text}'`);
  return Math.floor(Number(number) * 1000 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '));
}

function countOf(name: string, text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw badRequest(`invalid value for ${name}: ${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}

function booleanOf(name: string, text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw badRequest(`invalid boolean value for ${name}: ${JSON.stringify(text)}`);
}

function checkPattern(name: string, pattern: string | undefined): void {
  try {
    if (pattern) new RegExp(pattern);
  } catch (error) {
    throw badRequest(`invalid value for ${name}: ${(error as Error).message}`);
  }
}

function limitsOf({ defaults }: Driver, options: Options): Omit<LogFileSettings, 'path'> {
  const maxSize = options['max-size'] === undefined ? defaults.maxSize : sizeOf(options['max-size']);
  const maxFiles = options['max-file'] === undefined ? defaults.maxFiles : countOf('max-file', options['max-file']);
  const compress = options.compress === undefined ? defaults.compress : booleanOf('compress', options.compress);
  if (maxSize !== undefined && maxSize <= 0) throw badRequest('max-size must be a positive number');
  if (maxFiles < 1) throw badRequest('max-file cannot be less than 1');
  // Said, and not just the default, it is a contradiction.
  if (options.compress !== undefined && compress && (maxFiles === 1 || maxSize === undefined))
    throw badRequest('compress cannot be true when max-file is less than 2 or max-size is not set');
  return { ...(maxSize === undefined ? {} : { maxSize }), maxFiles, compress };
}

/**
 * A container's log configuration with what the daemon's says about the same driver.
 * @param daemon what counts for containers that do not say
 * @throws 400 in Docker's words: for a driver that is not there, and for options that it has not
 */
export function logConfigOf(given: HostConfig['LogConfig'], daemon: LogConfig): LogConfig {
  const Type = given?.Type || daemon.Type;
  const options = { ...(Type === daemon.Type ? daemon.Config : {}), ...given?.Config };
  checkLogConfig({ Type, Config: options });
  return { Type, Config: options };
}

/** @throws 400 */
export function checkLogConfig({ Type, Config }: LogConfig): void {
  if (Type === NONE) return;
  const { mode = '', 'max-buffer-size': bufferSize } = Config;
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw badRequest(`logger: logging mode not supported: ${mode}`);
  if (bufferSize !== undefined) {
    if (mode !== 'non-blocking') throw badRequest("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    try {
      sizeOf(bufferSize);
    } catch (error) {
      throw badRequest(`error parsing option max-buffer-size: ${(error as Error).message}`);
    }
  }
  const driver = Object.hasOwn(DRIVERS, Type) ? DRIVERS[Type] : undefined;
  if (!driver) throw badRequest(`logger: no log driver named '${Type}' is registered`);
  for (const name of Object.keys(Config)) if (!COMMON.has(name) && !OPTIONS.has(name)) throw badRequest(driver.unknownOption(name));
  limitsOf(driver, Config);
  checkPattern('labels-regex', Config['labels-regex']);
  checkPattern('env-regex', Config['env-regex']);
  if (Config.tag) checkTag(Config.tag);
}

/** @returns undefined for the driver `none`. @param folder the container's */
export function logSettings({ Type, Config }: LogConfig, folder: string, id: string): LogFileSettings | undefined {
  const driver = Object.hasOwn(DRIVERS, Type) ? DRIVERS[Type] : undefined;
  return driver && { path: join(folder, driver.file(id)), ...limitsOf(driver, Config) };
}

/** What `inspect` shows: only json-file's is meant to be read by others. */
export const logPathOf = (config: HostConfig['LogConfig'], folder: string, id: string): string =>
  config?.Type === 'json-file' ? join(folder, DRIVERS['json-file']?.file(id) as string) : '';
