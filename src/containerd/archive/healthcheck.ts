/**
 * The line HEALTHCHECK of a Dockerfile.
 * @see https://docs.docker.com/reference/dockerfile/#healthcheck
 */
import { durationOf } from '../duration.ts';
import { invalidArgument } from '../errors.ts';

/** How a container is asked whether it is well. Times are nanoseconds. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]` */
  Test: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

const TIMES: Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/** `--interval=30s ` */
const FLAG = /^--([\w-]+)(?:=(\S*))?\s*/;

function setFlag(check: Healthcheck, name: string, value: string): void {
  if (name === 'retries') {
    if (!/^\d{1,9}$/.test(value)) throw invalidArgument(`--retries must be at least 1 (not ${value})`);
    if (value !== '0') check.Retries = Number(value);
    return;
  }
  const field = Object.hasOwn(TIMES, name) ? TIMES[name] : undefined;
  if (field === undefined) throw invalidArgument(`Unknown flag: ${name}`);
  const ms = durationOf(value);
  if (ms === undefined) throw invalidArgument(`invalid duration ${JSON.stringify(value)} of --${name}`);
  if (ms !== 0 && ms < 1) throw invalidArgument(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  if (ms !== 0) check[field] = Math.round(ms * 1e6);
}

/**
 * @param text what stands behind the word
 * @param command a command line, as CMD takes it
 * @throws invalid argument
 */
export function parseHealthcheck(text: string, command: (text: string) => string[]): Healthcheck {
  const check: Healthcheck = { Test: [] };
  let rest = text;
  for (let flag = FLAG.exec(rest); flag; flag = FLAG.exec(rest)) {
    const [whole, name = '', value] = flag;
    if (value === undefined) throw invalidArgument(`Missing a value on flag: ${name}`);
    setFlag(check, name, value);
    rest = rest.slice(whole.length);
  }
  const [, word = '', line = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
  const type = word.toUpperCase();
  switch (type) {
    case 'NONE':
      if (line !== '') throw invalidArgument('HEALTHCHECK NONE takes no arguments');
      return { Test: ['NONE'] };
    case 'CMD': {
      if (line === '') throw invalidArgument('Missing command after HEALTHCHECK CMD');
      const words = command(line);
      check.Test = words.at(-1) === line ? ['CMD-SHELL', line] : ['CMD', ...words];
      return check;
    }
    default:
      throw invalidArgument(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  }
}
